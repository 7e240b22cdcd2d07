import type { SettingsName } from "./Cluster.ts"
import { type Job, type Mode, modes } from "./Job.ts"
import { recordedDecline, recordedFull, recordedQuota } from "./MesosRecorded.ts"
import { type Shape, shapeToText, type WantedShape } from "./Shape.ts"
import type { Variant } from "./Workload.ts"

/** What was asked for; an empty list = no wish. */
export interface AllocationWishes {
  readonly modes: ReadonlyArray<Mode>
  readonly shapes: ReadonlyArray<WantedShape>
  readonly variants: ReadonlyArray<Variant>
  readonly settings: ReadonlyArray<SettingsName>
  readonly rounds: number | null
}

/** Design §10 and the issue: beyond what was recorded. */
export const largestShape: Shape = { agents: 100_000, frameworks: 1_000, roles: 1 }
export const incrementalShape: Shape = { agents: 10_000, frameworks: 200, roles: 1 }

const usualShapes: Readonly<Record<Mode, ReadonlyArray<Shape>>> = {
  full: [...recordedFull.map(({ shape }) => shape), largestShape],
  decline: recordedDecline.map(({ shape }) => shape),
  quota: recordedQuota.map(({ shape }) => shape),
  incremental: [incrementalShape],
  memory: [
    { agents: 10_000, frameworks: 50, roles: 1 },
    { agents: 10_000, frameworks: 50, roles: 50 },
  ],
}

/** With gleaner's own settings too, when nothing else is asked for: enough to see what they cost. */
const defaultSettingsJobs: ReadonlyArray<readonly [Mode, string]> = [
  ["full", "1000x1000"],
  ["full", "10000x200"],
  ["full", "10000x1000x1000"],
  ["decline", "1000x50"],
  ["quota", "300x300x300"],
]

/**
 * The jobs, in the order of modes and shapes. A shape without a mode is measured in the modes that have it among theirs, in `full` when
 * none has. A shape without roles stands for all recorded numbers of roles of its pair, or one role when none is recorded; in `quota`
 * for as many as there are frameworks. What cannot be measured is said as a text.
 */
export const planJobs = (wishes: AllocationWishes): ReadonlyArray<Job> | string => {
  const jobs: Array<Job> = []
  for (const mode of modesOf(wishes)) {
    const shapes = wishes.shapes.length === 0 ? usualShapes[mode] : shapesOf(mode, wishes)
    for (const shape of shapes) {
      const problem = shapeProblem(mode, shape)
      if (problem !== null) return `--shape ${shapeToText(shape)}: ${problem}`
      for (const settings of settingsOf(mode, shape, wishes)) {
        for (const variant of wishes.variants.length === 0 ? (["alike", "mixed"] as const) : wishes.variants)
          jobs.push({ mode, shape, variant, settings, rounds: wishes.rounds ?? roundsOf(mode, shape) })
      }
    }
  }
  return jobs
}

const modesOf = ({ modes: wanted, shapes }: AllocationWishes): ReadonlyArray<Mode> => {
  if (wanted.length > 0) return wanted
  if (shapes.length === 0) return modes
  const having = modes.filter((mode) =>
    shapes.some((wish) => usualShapes[mode].some((shape) => isWanted(shape, wish))),
  )
  return having.length > 0 ? having : ["full"]
}

const shapesOf = (mode: Mode, { modes: wanted, shapes }: AllocationWishes): ReadonlyArray<Shape> =>
  shapes.flatMap((wish) => {
    const usual = usualShapes[mode].filter((shape) => isWanted(shape, wish))
    if (usual.length > 0) return usual
    // Without a mode the shape is another mode's, unless nobody has it.
    const isOfAnother = modes.some((other) => usualShapes[other].some((shape) => isWanted(shape, wish)))
    if (wanted.length === 0 && isOfAnother) return []
    return [{ ...wish, roles: wish.roles ?? (mode === "quota" ? wish.frameworks : 1) }]
  })

const isWanted = (shape: Shape, wish: WantedShape): boolean =>
  shape.agents === wish.agents &&
  shape.frameworks === wish.frameworks &&
  (wish.roles === null || wish.roles === shape.roles)

const shapeProblem = (mode: Mode, { agents, frameworks, roles }: Shape): string | null => {
  if (mode === "quota" && (agents !== frameworks || roles !== frameworks))
    return "in mode quota there are as many agents as frameworks, each in a role of its own"
  if ((mode === "decline" || mode === "incremental") && roles !== 1)
    return `mode ${mode} has one role, as the recorded runs`
  return null
}

const settingsOf = (mode: Mode, shape: Shape, wishes: AllocationWishes): ReadonlyArray<SettingsName> => {
  if (wishes.settings.length > 0) return wishes.settings
  const isBoth =
    wishes.shapes.length === 0 &&
    defaultSettingsJobs.some(([own, text]) => own === mode && text === shapeToText(shape))
  return isBoth ? ["mesos", "default"] : ["mesos"]
}

/** As recorded: 10 rounds, 5 for 1,000 frameworks, 3 to 5 for 50,000 agents. Elsewhere as many as give a median that stays. */
const roundsOf = (mode: Mode, shape: Shape): number => {
  switch (mode) {
    case "full": {
      const recorded = recordedFull.find((row) => shapeToText(row.shape) === shapeToText(shape))
      return recorded?.rounds ?? (shape.frameworks >= 1_000 || shape.agents >= 50_000 ? 5 : 10)
    }
    case "decline":
      return 10
    case "quota":
      return shape.roles >= 1_000 ? 5 : 30
    case "incremental":
      return 1_000
    case "memory":
      return 1
  }
}
