import { join } from "node:path"
import { readJsonFile, replaceFile } from "../DataFolder.ts"

/** What an agent must remember over a restart to be the same agent. */
export interface AgentIdentity {
  /** Given by the master; null before the first registration. */
  readonly agentId: string | null
  /** Number of the last message of the master that was taken in. */
  readonly processedId: number
}

/** The identity with its file. A message counts as processed only once that is written: never twice, even when the
 * agent dies in between. */
export interface IdentityFile {
  readonly read: () => AgentIdentity
  readonly write: (identity: AgentIdentity) => void
}

export const openIdentityFile = (folder: string): IdentityFile => {
  const path = join(folder, "identity.json")
  const content = readJsonFile(path) as Partial<AgentIdentity> | undefined
  let identity: AgentIdentity = {
    agentId: typeof content?.agentId === "string" ? content.agentId : null,
    processedId: typeof content?.processedId === "number" ? content.processedId : 0,
  }
  return {
    read: () => identity,
    write: (next) => {
      replaceFile(path, JSON.stringify(next))
      identity = next
    },
  }
}
