import { describe, expect, it } from "vitest"
import type { HttpRequest } from "../../../runtime/http/HttpMessage.ts"
import { accepts, jsonType, protobufType, refuseProtobuf } from "../../../runtime/http/MediaTypes.ts"

const asked = (accept: string | undefined) => ({ headers: { accept } }) as unknown as HttpRequest

describe("what a client accepts", () => {
  it.each<[string | undefined, boolean, boolean]>([
    [undefined, true, true],
    ["*/*", true, true],
    ["application/*;q=0.1", true, true],
    ["text/html, Application/JSON ; q=0.5", true, false],
    ["application/x-protobuf", false, true],
    ["application/json;q=0, */*", false, true],
    ["application/json;q=0.0", false, false],
    ["application/json;q=x", false, false],
    ["", false, false],
    ["text/html", false, false],
  ])("%s", (accept, json, protobuf) => {
    expect([accepts(asked(accept), jsonType), accepts(asked(accept), protobufType)]).toEqual([json, protobuf])
  })
})

describe("a call in protobuf", () => {
  it("is told from what is none", () => {
    const statusOf = (...bytes: ReadonlyArray<number>) => refuseProtobuf(Buffer.from(bytes)).status
    expect(statusOf(0x08, 0x01)).toBe(415)
    expect(statusOf(0x08, 0x96, 0x01, 0x12, 0x02, 0x08, 0x01)).toBe(415)
    expect(statusOf(0x12, 0x05, 0x08)).toBe(400)
    expect(statusOf(0x08)).toBe(400)
    expect(refuseProtobuf(Buffer.from('{"type":"GET_HEALTH"}')).sentence).toBe(
      "Failed to parse body into Call protobuf",
    )
  })
})
