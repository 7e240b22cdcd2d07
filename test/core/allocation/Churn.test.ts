import { expect, it } from "vitest"
import { type Checkpoint, churn, growthOf } from "../../support/allocation/Churn.ts"
import { indexed } from "../../support/allocation/Implementations.ts"

it("keeps nothing of agents, frameworks, roles and volumes that are gone, and its books like new", () => {
  const checkpoints: Array<Checkpoint> = []
  churn(indexed.make, 1, 12_000, (checkpoint) => checkpoints.push(checkpoint))
  expect(checkpoints.at(-1)!.offers).toBeGreaterThan(2_000)
  expect(growthOf(checkpoints)).toEqual([])
})
