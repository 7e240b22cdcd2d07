import * as crypto from "node:crypto"

const emptyDigest = ""

/** In one call where Node has it (20.12): an object for each step costs more than the hashing. */
const sha256: (text: string) => string =
  typeof crypto.hash === "function"
    ? (text) => crypto.hash("sha256", text, "hex")
    : (text) => crypto.createHash("sha256").update(text).digest("hex")

/** Short digest of a step's actions, in order: what `gleaner replay` compares. Empty when there were none. */
export const digestActions = (actions: ReadonlyArray<object>): string =>
  actions.length === 0 ? emptyDigest : sha256(JSON.stringify(actions)).slice(0, 16)
