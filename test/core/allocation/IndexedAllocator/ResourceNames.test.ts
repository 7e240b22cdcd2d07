import { describe, expect, it } from "vitest"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { plainScalar } from "../../../../core/resources/Resource.ts"

describe("ResourceNames", () => {
  it("give each name a column of its own for good", () => {
    const names = new ResourceNames()
    const wanted = ["cpus", "mem", "disk", "gpus", "ports", "constructor", "toString", "x9"]
    const columns = wanted.map((name) => names.numberOf(name))
    expect(columns).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(wanted.map((name) => names.numberOf(name))).toEqual(columns)
    expect(names.names).toEqual(wanted)
    expect(names.kinds.map(({ key }) => key)).toEqual(wanted)
  })

  it("say which column a name has without giving it one", () => {
    const names = new ResourceNames()
    expect([names.columnOf("mem"), names.columnOf("gpus"), names.columnOf("toString")]).toEqual([1, -1, -1])
    expect([names.numberOf("gpus"), names.columnOf("gpus"), names.names.length]).toEqual([3, 3, 4])
  })

  it("know the plain scalar of each name", () => {
    const names = new ResourceNames()
    names.numberOf("fpgas")
    expect(names.kinds[3]).toEqual(plainScalar("fpgas"))
  })

  it("keep the columns in the order of the names", () => {
    const names = new ResourceNames()
    for (const name of ["b", "Z", "cpus-x", "a"]) names.numberOf(name)
    const inOrder = names.columnsInOrder.map((column) => names.names[column])
    expect(inOrder).toEqual(["Z", "a", "b", "cpus", "cpus-x", "disk", "mem"])
  })

  it("widen rows before a name would get the last column, which belongs to none", () => {
    const names = new ResourceNames()
    const widenings: Array<readonly [number, number]> = []
    names.onWiden((before, after) => widenings.push([before, after]))
    names.onWiden((_, after) => expect(names.width).toBe(after))
    const roomy: Array<boolean> = []
    for (let number = 0; number < 14; number++) roomy.push(names.numberOf(`name${number}`) < names.width - 1)
    expect(roomy.every((fits) => fits)).toBe(true)
    expect(widenings).toEqual([
      [4, 8],
      [8, 16],
      [16, 32],
    ])
  })
})
