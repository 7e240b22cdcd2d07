import type { MakeAllocator } from "./Cluster.ts"
import { runDecline } from "./DeclineMode.ts"
import { runFull } from "./FullMode.ts"
import { runIncremental } from "./IncrementalMode.ts"
import type { Figure, Job, Mode } from "./Job.ts"
import { runMemory } from "./MemoryMode.ts"
import { runQuota } from "./QuotaMode.ts"
import type { Shape } from "./Shape.ts"

const runs: Readonly<Record<Mode, (job: Job, makeAllocator: MakeAllocator) => ReadonlyArray<Figure>>> = {
  full: runFull,
  decline: runDecline,
  quota: runQuota,
  incremental: runIncremental,
  memory: runMemory,
}

/** Throws `WrongResult` when what was made is not what it should be. */
export const runJob = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> =>
  runs[job.mode](job, makeAllocator)

/**
 * The same job on clusters so small that they leave no trace in the memory of the process. A master runs for months, so what is timed is
 * compiled code, as it was in the recorded runs. Several, because V8 compiles for the one allocator it has seen (its closures) and starts
 * again with the second.
 */
export const warmUp = (job: Job, makeAllocator: MakeAllocator): void => {
  const shape = smallShapeOf(job)
  const rounds = { full: 100, decline: 40, quota: 20, incremental: 100, memory: 1 }[job.mode]
  for (let time = 0; time < 5; time++) runJob({ ...job, shape, rounds }, makeAllocator)
}

/** As many frameworks as make the moves of the fair order long ones. */
const smallShapeOf = ({ mode, shape }: Job): Shape => {
  if (mode === "quota") return { agents: 100, frameworks: 100, roles: 100 }
  const frameworks = Math.min(shape.frameworks, 150)
  return { agents: Math.min(shape.agents, 200), frameworks, roles: Math.min(shape.roles, frameworks) }
}
