import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { CompletedTaskIndex } from "../../../core/master/CompletedTaskIndex.ts"

describe("the index of completed tasks", () => {
  it("says of random additions and drops what a plain list says", () => {
    const step = fc.record({
      owner: fc.constantFrom("a", "b", "c"),
      does: fc.constantFrom("add", "add", "drop", "dropOldest"),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const index = new CompletedTaskIndex()
        let list: Array<{ readonly owner: string; readonly number: number }> = []
        let next = 0
        for (const { owner, does } of steps) {
          const whose = does === "dropOldest" ? index.oldestOwner() : owner
          expect(index.oldestOwner()).toBe(list[0]?.owner)
          if (does === "add") {
            next += owner === "a" ? 1 : 3
            index.add(owner, next)
            list.push({ owner, number: next })
          } else if (whose !== undefined) {
            const gone = list.find((item) => item.owner === whose)
            expect(index.dropOldestOf(whose)).toBe(gone?.number)
            list = list.filter((item) => item !== gone)
          }
          expect(index.size).toBe(list.length)
          for (const each of ["a", "b", "c"]) {
            const own = list.filter((item) => item.owner === each).map(({ number }) => number)
            expect(index.of(each)).toEqual(own)
            expect(index.countOf(each)).toBe(own.length)
          }
        }
      }),
    )
  })
})
