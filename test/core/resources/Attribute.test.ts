import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseAttributes } from "../../../core/resources/Attribute.ts"

describe("attributes as an agent's flag", () => {
  it("are texts, numbers and ranges, in their order", () => {
    expect(parseAttributes("rack:r1;level:-10.5; ids : [5-6, 1-3] ;rack:r2")).toEqual([
      { name: "rack", type: "text", value: "r1" },
      { name: "level", type: "scalar", value: -10.5 },
      { name: "ids", type: "ranges", value: [1, 3, 5, 6] },
      { name: "rack", type: "text", value: "r2" },
    ])
    expect(parseAttributes("")).toEqual([])
    expect(parseAttributes("a:1\nb:2;")).toHaveLength(2)
  })

  it.each([
    ["url:http://host:80/a", "http://host:80/a"],
    ["os:CentOS release 6.10", "CentOS release 6.10"],
    ["kernel:2.6.32-754", "2.6.32-754"],
    ["mask:0x1F", "0x1F"],
    ["far:1e999", "1e999"],
    ["far:Infinity", "Infinity"],
  ])("keep the text of '%s' as it is", (text, value) => {
    expect(parseAttributes(text)).toMatchObject([{ type: "text", value }])
  })

  it.each([
    ["rack", "attribute 1 'rack': there is no colon: write name:value"],
    ["a:b;:r1", "attribute 2 ':r1': a name is one word"],
    ["a b:r1", "a name is one word"],
    ["rack: ", "there is no value"],
    ["zones:{a,b}", "attribute 1 'zones:{a,b}': a set is no attribute: write one text for each item"],
    ["ids:[1-2", "begins with [ but does not end with ]"],
    ["ids:[7]", "'7' is no range of whole numbers: write 7-7"],
  ])("refuse '%s'", (text, reason) => {
    expect(parseAttributes(text)).toContain(reason)
  })

  it("keep every number that is finite", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parseAttributes(`level:${value}`)).toEqual([
          { name: "level", type: "scalar", value: Number(`${value}`) },
        ])
      }),
    )
  })
})
