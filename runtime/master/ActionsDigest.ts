import { createHash } from "node:crypto"
import type { MasterAction } from "../../core/master/Action.ts"

const emptyDigest = ""

/** Short digest of a step's actions, in order: what `gleaner replay` compares. Empty when there were none. */
export const digestActions = (actions: ReadonlyArray<MasterAction>): string =>
  actions.length === 0
    ? emptyDigest
    : createHash("sha256").update(JSON.stringify(actions)).digest("hex").slice(0, 16)
