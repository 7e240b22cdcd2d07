import { Effect, Layer } from "effect"
import { type Batch, Journal, JournalError } from "../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../runtime/journal/MemoryJournal.ts"

/** A journal in memory whose appends wait for a word, and may be made to fail. */
export const heldJournal = () => {
  const batches: Array<Batch> = []
  const waiting: Array<() => void> = []
  let isHeld = false
  let failure: JournalError | undefined
  let problem: string | undefined
  const layer = Layer.effect(
    Journal,
    Effect.map(Journal, (inner) =>
      Journal.of({
        ...inner,
        problem: () => problem,
        append: (batch) =>
          Effect.gen(function* () {
            batches.push(batch)
            if (isHeld) yield* Effect.async<void>((resume) => void waiting.push(() => resume(Effect.void)))
            if (failure !== undefined) return yield* failure
            return yield* inner.append(batch)
          }),
      }),
    ),
  ).pipe(Layer.provide(MemoryJournal.layer()))
  return {
    layer,
    batches,
    hold: () => {
      isHeld = true
    },
    letGo: () => {
      isHeld = false
      problem = undefined
      for (const go of waiting.splice(0)) go()
    },
    stall: () => {
      problem = "full"
    },
    fail: () => {
      failure = new JournalError({ reason: "DiskFull", path: "/j", detail: "no space" })
    },
  }
}
