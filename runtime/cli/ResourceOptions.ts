import { Effect } from "effect"
import { parseMemMiB } from "../config/Memory.ts"
import { type CommandFailure, refuseInput } from "./CommandFailure.ts"

// `--cpus` and `--mem` in Mesos's units, wherever they stand.

/** More than any host has; far below where thousandths of it stop being whole numbers. */
const unitsMax = 1e9

export const readCpus = (cpus: number): Effect.Effect<number, CommandFailure> =>
  cpus >= 0.001 && cpus <= unitsMax
    ? Effect.succeed(cpus)
    : refuseInput(`--cpus ${cpus} must be at least 0.001 and at most ${unitsMax}`)

export const readMemMiB = (text: string): Effect.Effect<number, CommandFailure> => {
  const memMiB = parseMemMiB(text)
  if (memMiB === undefined) return refuseInput(`--mem ${text} is not a size: write it like 256M or 2G`)
  return memMiB <= unitsMax
    ? Effect.succeed(memMiB)
    : refuseInput(`--mem ${text} must be at most ${unitsMax} MiB`)
}
