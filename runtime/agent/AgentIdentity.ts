import { join } from "node:path"
import { readJsonFile, replaceFile } from "../DataFolder.ts"

/** What an agent must remember over a restart to be the same agent. */
export interface AgentIdentity {
  /** Given by the master; null before the first registration. */
  readonly agentId: string | null
  /** The master whose messages are counted; another one counts from its own start. */
  readonly masterId: string | null
  /** Number of the last message of that master that was taken in; 0 = none. */
  readonly processedId: number
}

/** The identity with its file. A message counts as processed only once that is written: never twice, even when the
 * agent dies in between. */
export interface IdentityFile {
  readonly read: () => AgentIdentity
  readonly write: (identity: AgentIdentity) => void
}

const newcomer: AgentIdentity = { agentId: null, masterId: null, processedId: 0 }

export const openIdentityFile = (folder: string): IdentityFile => {
  const path = join(folder, "identity.json")
  const content = readJsonFile(path) as Partial<AgentIdentity> | undefined
  const isWhole =
    typeof content?.agentId === "string" &&
    typeof content.masterId === "string" &&
    Number.isSafeInteger(content.processedId)
  // A file that is not ours is as good as none: the agent is a new one then.
  let identity = isWhole ? (content as AgentIdentity) : newcomer
  return {
    read: () => identity,
    write: (next) => {
      replaceFile(path, JSON.stringify(next))
      identity = next
    },
  }
}
