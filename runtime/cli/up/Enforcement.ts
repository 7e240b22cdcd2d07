import { Effect } from "effect"
import { CommandFailure } from "../CommandFailure.ts"

export interface EnforcementWish {
  readonly isUnconfined: boolean
  readonly tell: (line: string) => void
}

/** Says what this host cannot enforce; without `--unconfined` nothing is started then. */
export const refuseWithoutEnforcement = ({
  isUnconfined,
  tell,
}: EnforcementWish): Effect.Effect<void, CommandFailure> =>
  Effect.gen(function* () {
    const missing: ReadonlyArray<string> = yield* Effect.promise(async () => [])
    if (missing.length === 0) return
    const found = missing.map((line) => `  ${line}`).join("\n")
    if (isUnconfined) return tell(`without limits, as asked for; this host cannot enforce them:\n${found}`)
    return yield* new CommandFailure({
      message: `this host cannot keep tasks within limits:\n${found}\n\`gleaner doctor\` tells more; --unconfined starts without limits`,
      exitCode: 1,
    })
  })
