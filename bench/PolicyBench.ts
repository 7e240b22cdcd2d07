import { type PolicySpec, policySpec, printPolicySpec } from "../core/policies/PolicySpec.ts"
import { evaluate } from "../sim/Evaluate.ts"
import { ownSettings, type TraceEvaluation } from "../sim/Evaluation.ts"
import { createSyntheticFleet } from "../traces/generators/SyntheticFleet.ts"
import type { Subject } from "./Bench.ts"

const finish = (run: Generator<unknown, TraceEvaluation>): TraceEvaluation => {
  for (;;) {
    const { done, value } = run.next()
    if (done) return value
  }
}

/**
 * Evaluation of one policy beside the yardstick, on seeded hosts that all differ. One machine-step is one host × one
 * interval of one policy; the yardstick's own steps count too, because they are stepped.
 */
export const policySubjects = (): ReadonlyArray<Subject> => {
  const trace = createSyntheticFleet({ seed: 7, hosts: 256, days: 14 })
  const settings = ownSettings("cpu", 10 * 60_000)
  const specs: ReadonlyArray<PolicySpec> = ["static", "usage-margin", "window-max", "n-sigma"].map((name) =>
    policySpec(name),
  )
  return specs.map((spec) => ({
    suite: "policies",
    shape: `${printPolicySpec(spec)} on 256 hosts × 14 days`,
    unit: "machine-steps",
    unitsPerRun: 2 * 256 * trace.steps,
    verify: () => {
      const first = finish(evaluate(trace, [spec], settings)).rows[0]
      const again = finish(evaluate(trace, [spec], settings)).rows[0]
      if (first === undefined || first.machineSteps < 0.9 * 256 * trace.steps)
        throw new Error("hosts are missing")
      if (!(first.harvestShare! > 0 && first.harvestShare! < 1)) throw new Error("no harvest")
      if (JSON.stringify(first) !== JSON.stringify(again)) throw new Error("two runs differ")
    },
    run: () => {
      finish(evaluate(trace, [spec], settings))
    },
  }))
}
