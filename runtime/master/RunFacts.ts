import type { MasterSettings } from "../../core/master/State.ts"

/**
 * Shape of the events, rows and settings in a journal. To be raised by who changes the core such that it cannot step an event
 * or restore a row of earlier releases as they did: a replay of what those wrote is refused then, instead of differing.
 */
export const recordingVersion = 2

/** What a replay must know of a master's process; journaled with its first batch. */
export interface RunFacts {
  readonly recordingVersion: number
  /** Of gleaner. */
  readonly version: string
  readonly settings: MasterSettings
  /** Id and seed of the master, if its journal was empty. */
  readonly newMasterId: string
  readonly newSeed: string
}

export const runFactsOf = (options: {
  readonly settings: MasterSettings
  readonly newMasterId: string
  readonly newSeed: string
  readonly identity: { readonly version: string }
}): RunFacts => ({
  recordingVersion,
  version: options.identity.version,
  settings: options.settings,
  newMasterId: options.newMasterId,
  newSeed: options.newSeed,
})
