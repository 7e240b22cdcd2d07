import { Effect } from "effect"
import { CommandFailure } from "../CommandFailure.ts"

export interface EnforcementWish {
  readonly cgroupParent: string
  readonly isUnconfined: boolean
  readonly tell: (line: string) => void
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
    if (missing.length === 0) return
    const found = missing
      .map(({ feature, means, remedy }) => `  ${feature}: ${means}\n    ${remedy}`)
      .join("\n")
    if (isUnconfined) return tell(`without limits, as asked for; this host cannot enforce them:\n${found}`)
    return yield* new CommandFailure({
      message: `this host cannot keep tasks within limits:\n${found}\n\`gleaner doctor\` tells more; --unconfined starts without limits`,
      exitCode: 1,
    })
  })
