import { parentPort, workerData } from "node:worker_threads"
import type { EncodedBatch, EncodedEvents, EncodedState, StoreFailure } from "./EncodedBatch.ts"
import type { AppendOutcome } from "./GroupCommit.ts"
import type { OpeningReport } from "./SqliteOpening.ts"
import { StoreError } from "./SqliteSchema.ts"
import { openSqliteStore, type SqliteStore, type StoreOptions } from "./SqliteStore.ts"
import { cutIntoParts, type StatePart } from "./StateParts.ts"

// Entry of the writer thread: an fsync blocks this thread, not the daemon's event loop. Requests are answered one by
// one in their order.

export type WorkerRequest =
  | { readonly type: "append"; readonly batches: ReadonlyArray<EncodedBatch> }
  | { readonly type: "recover" }
  | { readonly type: "events"; readonly fromSeq: number; readonly limit: number }
  | { readonly type: "close" }

/** Comes unasked, before the file is open. */
export interface WorkerPart {
  readonly type: "part"
  readonly part: StatePart
}

/** The first answer comes unasked, when the file is open. */
export type WorkerAnswer =
  | { readonly type: "opened"; readonly report: OpeningReport }
  | { readonly type: "failed"; readonly failure: StoreFailure }
  | { readonly type: "appended"; readonly outcome: AppendOutcome }
  | { readonly type: "recovered"; readonly state: EncodedState }
  | { readonly type: "events"; readonly events: EncodedEvents }
  | { readonly type: "closed" }

const answerRequest = (store: SqliteStore, request: WorkerRequest): WorkerAnswer => {
  switch (request.type) {
    case "append":
      return { type: "appended", outcome: store.append(request.batches) }
    case "recover":
      return { type: "recovered", state: store.recover() }
    case "events":
      return { type: "events", events: store.events(request.fromSeq, request.limit) }
    case "close":
      store.close()
      return { type: "closed" }
  }
}

const serve = (port: NonNullable<typeof parentPort>) => {
  const reply = (answer: WorkerAnswer) => port.postMessage(answer)
  const guarded = <A>(action: () => A): A | undefined => {
    try {
      return action()
    } catch (error) {
      const failure: StoreFailure =
        error instanceof StoreError
          ? error.failure
          : { reason: "InputOutput", detail: error instanceof Error ? error.message : String(error) }
      reply({ type: "failed", failure })
      return undefined
    }
  }
  const listener = cutIntoParts((part) => port.postMessage({ type: "part", part } satisfies WorkerPart))
  const store = guarded(() => openSqliteStore(workerData as StoreOptions, listener))
  if (store === undefined) return
  port.on("message", (request: WorkerRequest) => {
    const answer = guarded(() => answerRequest(store, request))
    if (answer !== undefined) reply(answer)
    if (request.type === "close") port.close()
  })
  reply({ type: "opened", report: store.report })
}

if (parentPort !== null) serve(parentPort)
