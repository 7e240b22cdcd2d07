import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { uuidToWire, wireToUuid } from "../../../runtime/mesos/Uuid.ts"

describe("status uuids", () => {
  it("are base64 of 16 bytes on the wire (transcript scheduler/main_03_ACKNOWLEDGE_2)", () => {
    expect(wireToUuid("zRRErUHTTnGNWOOKzKIOZw==")).toBe("cd1444ad-41d3-4e71-8d58-e38acca20e67")
    expect(uuidToWire("cd1444ad-41d3-4e71-8d58-e38acca20e67")).toBe("zRRErUHTTnGNWOOKzKIOZw==")
  })

  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(wireToUuid(uuidToWire(uuid))).toBe(uuid)
      }),
    )
  })

  it.each([
    ["", "nothing"],
    ["AAAA", "three bytes"],
    ["zRRErUHTTnGNWOOKzKIOZ2c=", "17 bytes"],
    ["zRRErUHTTnGN!!WOOKzKIOZw==", "16 bytes between what is no base64"],
    ["cd1444ad-41d3-4e71-8d58-e38acca20e67", "the text of a uuid"],
  ])("%j is none: %s", (wire) => {
    expect(wireToUuid(wire)).toBeUndefined()
  })
})
