import { Effect } from "effect"
import type { ServedMaster } from "./MasterFixture.ts"

// What tests of the operator API ask a served master.

/** The answer of an order that says nothing but that it was done. */
export const done = [200, ""]

/** A call of the v1 operator API: status and text of its answer. */
export const call = ({ ask }: ServedMaster, type: string, content?: object) =>
  Effect.map(
    ask("/api/v1", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type, [type.toLowerCase()]: content }),
    }),
    ({ status, body }) => [status, body] as const,
  )

/** What is shown there, as JSON. */
export const shown = ({ ask }: ServedMaster, path: string) =>
  Effect.map(ask(path), ({ body }) => JSON.parse(body) as unknown)
