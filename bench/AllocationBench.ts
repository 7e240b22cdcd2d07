import { type AllocationRole, allocate } from "../core/allocation/Allocate.ts"
import { Ledger } from "../core/allocation/Ledger.ts"
import { nextBelow, seedPrng } from "../core/Prng.ts"
import type { Subject } from "./Bench.ts"

interface Shape {
  readonly agents: number
  readonly frameworks: number
  /** Identical hosts could be served from a cache; the heterogeneous twin keeps that honest. */
  readonly mixed: boolean
}

const cluster = ({ agents, frameworks, mixed }: Shape) => {
  const ledger = new Ledger()
  const prng = seedPrng(11)
  const agentIds = Array.from({ length: agents }, (_, index) => `agent-${index}`)
  for (const id of agentIds) {
    const cpus = mixed ? 1_000 * (1 + nextBelow(prng, 32)) : 24_000
    const mem = mixed ? 1_000_000 * (1 + nextBelow(prng, 128)) : 64_000_000
    ledger.addAgent(id, { cpus, mem })
  }
  const roles: ReadonlyArray<AllocationRole> = Array.from({ length: 10 }, (_, role) => ({
    role: `role-${role}`,
    weight: 1 + (role % 3),
    grants: 0,
    frameworks: Array.from({ length: frameworks / 10 }, (_, index) => ({
      frameworkId: `framework-${role}-${index}`,
      grants: 0,
    })),
  }))
  return { ledger, agentIds, roles }
}

const runCycle = (shape: Shape) => {
  const { ledger, agentIds, roles } = cluster(shape)
  return allocate({
    agentIds,
    roles,
    ledger,
    prng: seedPrng(3),
    minimumOffers: [{ cpus: 10 }, { mem: 32_000 }],
    isFiltered: () => false,
  })
}

/** A full cycle from an idle cluster, the building of the cluster included (a smaller part). */
export const allocationSubjects = (): ReadonlyArray<Subject> =>
  [
    { agents: 500, frameworks: 50, mixed: false },
    { agents: 500, frameworks: 50, mixed: true },
    { agents: 2_000, frameworks: 200, mixed: true },
  ].map((shape) => ({
    suite: "allocation",
    shape: `${shape.agents} agents × ${shape.frameworks} frameworks, ${shape.mixed ? "mixed" : "identical"} hosts`,
    unit: "offers",
    unitsPerRun: shape.agents,
    verify: () => {
      const made = runCycle(shape)
      if (new Set(made.map(({ agentId }) => agentId)).size !== shape.agents)
        throw new Error("an agent went unoffered")
      if (JSON.stringify(made) !== JSON.stringify(runCycle(shape)))
        throw new Error("the same seed gave other offers")
    },
    run: () => {
      runCycle(shape)
    },
  }))
