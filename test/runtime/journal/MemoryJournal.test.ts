import { Effect } from "effect"
import { expect, it } from "vitest"
import * as MemoryJournal from "../../../runtime/journal/MemoryJournal.ts"
import { batch, rowOf, run } from "./JournalFixture.ts"

it("a crashed journal is shut out of its store, and the next one finds what was acknowledged", async () => {
  const store = MemoryJournal.makeMemoryStore()
  const [entities, reason] = await run(
    Effect.gen(function* () {
      const crashed = yield* MemoryJournal.make({ store })
      yield* crashed.append(batch({ changes: [rowOf("a", 1)] }))
      MemoryJournal.crashMemoryStore(store)
      const next = yield* MemoryJournal.make({ store })
      const late = yield* Effect.flip(crashed.append(batch({ changes: [rowOf("a", 2)] })))
      return [(yield* next.recover).entities, late.reason] as const
    }),
  )
  expect(entities).toEqual([rowOf("a", 1)])
  expect(reason).toBe("Closed")
})
