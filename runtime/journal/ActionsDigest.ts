import { createHash } from "node:crypto"

const emptyDigest = ""

/** Short digest of a step's actions, in order: what `gleaner replay` compares. Empty when there were none. */
export const digestActions = (actions: ReadonlyArray<object>): string =>
  actions.length === 0
    ? emptyDigest
    : createHash("sha256").update(JSON.stringify(actions)).digest("hex").slice(0, 16)
