import { Effect } from "effect"
import type { MissingFeature } from "../../cgroups/CgroupFacts.ts"
import { CommandFailure } from "../CommandFailure.ts"

export interface EnforcementWish {
  readonly cgroupParent: string
  readonly isUnconfined: boolean
  readonly tell: (line: string) => void
}

const unconfinedText = (missing: ReadonlyArray<MissingFeature>): string => {
  const start = "limits       none, as asked for: tasks may take whatever this host has"
  if (missing.length === 0) return `${start}, although it could enforce limits (leave --unconfined out)`
  const found = missing.map(({ feature, remedy }) => `  ${feature}: ${remedy}`).join("\n")
  return `${start}. It lacks, for limits:\n${found}`
}

/** Says what this host cannot enforce; without `--unconfined` nothing is started then. */
export const refuseWithoutEnforcement = ({
  cgroupParent,
  isUnconfined,
  tell,
}: EnforcementWish): Effect.Effect<void, CommandFailure> =>
  Effect.gen(function* () {
    const missing = yield* Effect.promise(async () => {
      const { missingForEnforcement } = await import("../../doctor/Examination.ts")
      return missingForEnforcement(cgroupParent)
    })
    if (isUnconfined) return tell(unconfinedText(missing))
    if (missing.length === 0) return
    const found = missing
      .map(({ feature, means, remedy }) => `  ${feature}: ${means}\n    ${remedy}`)
      .join("\n")
    return yield* new CommandFailure({
      message: `this host cannot keep tasks within limits:\n${found}\n\`gleaner doctor\` tells more; --unconfined starts without limits`,
      exitCode: 1,
    })
  })
