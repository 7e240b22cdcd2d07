import fc from "fast-check"
import type { EncodedBatch } from "../../../runtime/journal/EncodedBatch.ts"
import { encodeBatch, isStoreFailure } from "../../../runtime/journal/EncodedBatch.ts"
import type { Batch } from "../../../runtime/journal/Journal.ts"

/** Batches as a master writes them: events, rows that come, change and go, messages that are sent and delivered. */
export const arbitraryBatches = (maxLength: number): fc.Arbitrary<ReadonlyArray<Batch>> => {
  const part = fc.record({
    events: fc.array(fc.nat(1_000), { maxLength: 3 }),
    changes: fc.array(
      fc.record({
        kind: fc.constantFrom("task", "offer"),
        key: fc.constantFrom("a", "b", "c", "d", "e"),
        value: fc.option(fc.nat(99), { nil: undefined }),
      }),
      { maxLength: 4 },
    ),
    sent: fc.array(fc.constantFrom("x", "y"), { maxLength: 2 }),
    delivered: fc.option(fc.constantFrom("x", "y"), { nil: undefined }),
    dropped: fc.boolean(),
    isRun: fc.boolean(),
  })
  return fc.array(part, { maxLength }).map((parts) => {
    let id = 0
    return parts.map(({ events, changes, sent, delivered, dropped, isRun }, index) => ({
      events: events.map((number) => ({ atMs: index, event: { number }, actionsDigest: `d${number}` })),
      changes,
      outbox: sent.map((to) => ({ id: ++id, to, message: { index } })),
      delivered: delivered === undefined ? [] : [{ to: delivered, upToId: Math.max(0, id - 1) }],
      dropped: dropped ? ["y"] : [],
      ...(isRun ? { run: { index } } : {}),
    }))
  })
}

export const encoded = (batch: Batch): EncodedBatch => {
  const found = encodeBatch(batch)
  if (isStoreFailure(found)) throw new Error(found.detail)
  return found
}
