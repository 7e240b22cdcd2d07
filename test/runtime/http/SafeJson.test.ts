import { describe, expect, it } from "vitest"
import { HttpRefusal } from "../../../runtime/http/HttpMessage.ts"
import { parseJsonObject } from "../../../runtime/http/JsonRequest.ts"
import { parseSafeJson } from "../../../runtime/http/SafeJson.ts"

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`

describe("JSON of strangers", () => {
  it("may be a hundred levels deep, and no deeper", () => {
    expect(parseSafeJson(nested(100))).toBeTypeOf("object")
    expect(() => parseSafeJson(nested(101))).toThrow("more than 100 levels of nesting")
    expect(() => parseSafeJson(`{"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`)).toThrow("levels")
  })

  it("may hold many brackets side by side, and in texts", () => {
    const wide = JSON.stringify({ list: Array.from({ length: 500 }, () => [{}]), text: "[".repeat(500) })
    expect(parseSafeJson(wide)).toEqual(JSON.parse(wide))
  })

  it("holds whole characters only, in names too", () => {
    const halves = ['{"a":"\\ud800"}', '{"a":["x\\uDFFF"]}', '{"\\ud83d":1}', '{"a":"\\ude00\\ud83d"}']
    for (const half of halves) expect(() => parseSafeJson(half), half).toThrow("half a surrogate pair")
    expect(parseSafeJson('{"a":"\\ud83d\\ude00","b":"\\\\ud800"}')).toEqual({ a: "😀", b: "\\ud800" })
  })

  it("is refused with 400 and the reason where a call was expected", () => {
    const refusal = parseJsonObject('{"framework_id":{"value":"\\ud800"}}')
    expect(refusal).toBeInstanceOf(HttpRefusal)
    expect((refusal as HttpRefusal).message).toBe(
      "400: Failed to parse body into JSON: a text with half a surrogate pair",
    )
  })
})
