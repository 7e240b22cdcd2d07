import { expect, it } from "vitest"
import { KeysByOwner } from "../../../core/master/KeysByOwner.ts"

it("finds what belongs to whom, in the same order whatever came first, and forgets what is gone", () => {
  const keys = new KeysByOwner()
  for (const [owner, key] of [
    ["b", "2"],
    ["a", "3"],
    ["a", "1"],
    ["a", "1"],
  ] as const)
    keys.add(owner, key)
  expect([keys.of("a"), keys.of("b"), keys.of("c")]).toEqual([["1", "3"], ["2"], []])
  keys.delete("a", "1")
  keys.delete("a", "2")
  keys.delete("c", "1")
  keys.delete("b", "2")
  expect([keys.of("a"), keys.of("b")]).toEqual([["3"], []])
})
