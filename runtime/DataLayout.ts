import { join, resolve } from "node:path"

/** Where a cluster's daemons on this host keep their state. */
export interface DataFolder {
  readonly path: string
  /** The cluster's secret; only its owner may read it. */
  readonly secretFile: string
  /** Written by the master once it serves: where it can be reached. */
  readonly masterFile: string
  readonly journalFile: string
  readonly agentFolder: string
  /** Recordings of the monitor. */
  readonly monitorFolder: string
  readonly logFolder: string
}

/** A relative path counts from here, and is absolute from then on, since others are told of it. */
export const dataFolderAt = (given: string): DataFolder => {
  const path = resolve(given)
  return {
    path,
    secretFile: join(path, "secret"),
    masterFile: join(path, "master.json"),
    journalFile: join(path, "master", "journal.db"),
    agentFolder: join(path, "agent"),
    monitorFolder: join(path, "monitor"),
    logFolder: join(path, "logs"),
  }
}
