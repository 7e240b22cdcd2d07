import { describe, expect, it } from "vitest"
import { hostAndPort, httpUrl } from "../../../runtime/http/HttpUrl.ts"

describe("an address as text", () => {
  it.each([
    ["10.0.0.7", "10.0.0.7:5050"],
    ["host.example", "host.example:5050"],
    ["fd00::7", "[fd00::7]:5050"],
  ])("of %s can be parsed again", (host, text) => {
    expect(hostAndPort(host, 5050)).toBe(text)
    expect(new URL(httpUrl(host, 5050)).host).toBe(text)
  })
})
