import { nextFraction, type Prng, seedPrng } from "../../core/Prng.ts"
import { policyKinds } from "../../core/policies/Catalogue.ts"
import { createPolicy, type PolicySpec } from "../../core/policies/PolicySpec.ts"
import type { Transcript } from "./Transcript.ts"

const hosts = 16
const steps = 600
const intervalMs = 60_000

/** Load with a level, noise, bursts and holes, by fractions that need all their bits. */
const fillUsage = (prng: Prng, usage: Float64Array): void => {
  for (let host = 0; host < usage.length; host++) {
    const level = host / (usage.length + 3)
    const burst = nextFraction(prng) < 0.05 ? nextFraction(prng) : 0
    usage[host] = nextFraction(prng) < 0.03 ? Number.NaN : level + nextFraction(prng) / 7 + burst
  }
}

/** Every policy, with parameters drawn within their bounds: its reserves bit for bit, through snapshots. */
export const tellPolicyStory = (seed: string, transcript: Transcript): void => {
  for (const kind of policyKinds) {
    const prng = seedPrng(`${seed} ${kind.name}`)
    const values = kind.parameters.map(({ unit, initial, least, most }) => {
      const drawn = least + (Math.min(most, initial * 4 + 1) - least) * nextFraction(prng)
      return unit === "duration" ? Math.round(drawn) : drawn
    })
    const spec: PolicySpec = { kind, values }
    transcript.note(kind.name, values)
    let policy = createPolicy(spec, hosts, intervalMs)
    const usage = new Float64Array(hosts)
    const reserve = new Float64Array(hosts)
    for (let step = 0; step < steps; step++) {
      fillUsage(prng, usage)
      policy.observe(usage, reserve)
      transcript.noteBits(kind.name, reserve)
      if (step % 150 === 149) {
        const snapshot = JSON.parse(JSON.stringify(policy.snapshot())) as ReturnType<typeof policy.snapshot>
        transcript.note(`${kind.name} snapshot`, snapshot)
        policy = createPolicy(spec, hosts, intervalMs)
        policy.restore(snapshot)
      }
      if (step === 400) policy.interrupt()
    }
  }
}
