import { describe, expect, it } from "vitest"
import type { PlacementJob } from "../../../bench/placements/Job.ts"
import { makePlacing } from "../../../bench/placements/MakePlacing.ts"
import { type Size, type WorkloadName, workloadNames } from "../../../bench/placements/Recorded.ts"
import { type MakePlacing, runJob } from "../../../bench/placements/RunJob.ts"
import type { Allocator } from "../../../core/allocation/Allocator.ts"
import type { Placement, PlacementGroup, Placer } from "../../../core/allocation/Placement.ts"
import { defaultAllocatorSettings } from "../../../core/allocation/Settings.ts"
import { seedPrng } from "../../../core/Prng.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import { quantitiesToResources } from "../../../core/resources/Resources.ts"
import { NaiveAllocator } from "../../support/naive/NaiveAllocator.ts"

const makeNaive: MakePlacing = () => {
  const allocator = new NaiveAllocator(defaultAllocatorSettings, seedPrng("placement bench"))
  return { allocator, placer: allocator.placer() }
}

const small: Size = { hosts: 24, before: 6, measured: 14 }

const jobOf = (workload: WorkloadName, rest: Partial<PlacementJob> = {}): PlacementJob => ({
  workload,
  variant: "mixed",
  size: small,
  rounds: 2,
  ...rest,
})

type Methods = { [Name in keyof Placer]?: (real: Placing, ...given: never[]) => unknown }
type Placing = ReturnType<MakePlacing>

/** A placer some methods of which do something else. */
const withMethods =
  (make: MakePlacing, methods: () => Methods): MakePlacing =>
  () => {
    const real = make()
    const own = methods()
    const placer = new Proxy(real.placer, {
      get: (target, name) => {
        const method = own[name as keyof Placer] as ((...given: unknown[]) => unknown) | undefined
        if (method !== undefined) return (...given: unknown[]) => method(real, ...given)
        return (target[name as keyof Placer] as (...given: unknown[]) => unknown).bind(target)
      },
    })
    return { allocator: real.allocator, placer }
  }

/** What one answer is changed to: that of the n-th measured request, or of all. */
const withAnswer = (
  change: (placement: Placement, real: Placing, resources: Quantities) => Placement,
  index: number | "all" = 7,
): MakePlacing =>
  withMethods(makeNaive, () => {
    let asked = 0
    return {
      place: (real, groupId: string, resources: Quantities) => {
        const placement = real.placer.place(groupId, resources)
        if (groupId !== "measured") return placement
        return asked++ === index || index === "all" ? change(placement, real, resources) : placement
      },
    }
  })

const idOf = (host: number) => `5f1c8d0e-3d0b-4f6e-9a52-6d1f4c2b7a90-S${host}`

/** Says and books this host instead of the one that was chosen. */
const moved =
  (agentId: string) =>
  (placement: Placement, { placer }: Placing, resources: Quantities): Placement => {
    if (placement.type === "placed") placer.end("measured", placement.agentId, resources)
    placer.adopt("measured", agentId, resources)
    return { type: "placed", agentId }
  }

const bookedToo = (placement: Placement, { allocator }: { readonly allocator: Allocator }): Placement => {
  if (placement.type === "placed") {
    const scope = { frameworkId: "framework0", role: "*", agentId: placement.agentId }
    allocator.adopt(scope, quantitiesToResources({ cpus: 1 }))
  }
  return placement
}

const ruleless = withMethods(makePlacing, () => ({
  putGroup: ({ placer }, group: PlacementGroup) => placer.putGroup({ ...group, rules: [] }),
}))

const unconstrained = withMethods(makePlacing, () => ({
  putGroup: ({ placer }, group: PlacementGroup) => placer.putGroup({ ...group, constraints: null }),
}))

/** To the host of the first task that was there before. */
const besideTheFirst = withMethods(makeNaive, () => {
  const agentIds: Array<string> = []
  return {
    place: (real, groupId: string, resources: Quantities) => {
      const placement = real.placer.place(groupId, resources)
      if (placement.type === "placed") agentIds.push(placement.agentId)
      return groupId === "measured" ? moved(agentIds[0]!)(placement, real, resources) : placement
    },
  }
})

const busy = withMethods(makeNaive, () => ({
  putGroup: ({ placer }, group: PlacementGroup) => placer.putGroup({ ...group, prefer: "busy" }),
}))

/** As a rule in one round, and wrong in the next. */
const fickle = (): MakePlacing => {
  let rounds = 0
  return () => (rounds++ === 0 ? makeNaive() : busy())
}

describe("the bench of placements", () => {
  const jobs = workloadNames.flatMap((workload) =>
    (["alike", "mixed"] as const).map((variant) => [workload, variant] as const),
  )

  it.each(jobs)("believes the obvious placer and the real one: %s, %s", (workload, variant) => {
    const job = jobOf(workload, { variant })
    for (const make of [makeNaive, makePlacing]) {
      const figure = runJob(job, make)
      expect(figure.times.wallMs).toHaveLength(2)
      expect(figure.placements).toBe(14)
    }
  })

  it.each<[string, PlacementJob, MakePlacing, string]>([
    [
      "a host that is used more than another",
      jobOf("basic-10000"),
      withAnswer(moved(idOf(3))),
      "comes before it",
    ],
    ["the busiest hosts", jobOf("basic-10000"), busy, "comes before it"],
    [
      "a host that does not exist",
      jobOf("basic-10000"),
      withAnswer(() => ({ type: "placed", agentId: "x" })),
      "which does not exist",
    ],
    [
      "more than a host has",
      jobOf("basic-10000", { size: { hosts: 1, before: 1, measured: 200 }, variant: "alike" }),
      withAnswer(moved(idOf(0)), "all"),
      "and was given cpus:0.1; mem:500",
    ],
    [
      "a task that finds no place",
      jobOf("basic-10000"),
      withAnswer(() => ({ type: "refused", reason: "short" })),
      "may have it",
    ],
    ["two that keep apart on one host", jobOf("pod-anti-affinity"), besideTheFirst, "all keep apart"],
    ["that nobody keeps apart", jobOf("pod-anti-affinity"), ruleless, "should be refused by the rules"],
    ["that nobody stays near", jobOf("pod-affinity"), ruleless, "not in its zone"],
    ["constraints that are not looked at", jobOf("node-affinity"), unconstrained, "not in its zone"],
    [
      "those that others keep away from",
      jobOf("pod-matching-anti-affinity"),
      besideTheFirst,
      "keep apart from all",
    ],
    [
      "a zone with too many",
      jobOf("topology-spreading", { size: { hosts: 300, before: 1, measured: 250 } }),
      ruleless,
      "more than another",
    ],
    [
      "an impossible task that is placed",
      jobOf("unschedulable"),
      withAnswer(() => ({ type: "placed", agentId: idOf(0) }), 10),
      "should be refused as short",
    ],
    [
      "an impossible task that is refused for another reason",
      jobOf("unschedulable"),
      withAnswer(() => ({ type: "refused", reason: "rules" }), 10),
      "should be refused as short",
    ],
    ["what is not in the books as answered", jobOf("basic-10000"), withAnswer(bookedToo), "booked are"],
    ["other answers in another round", jobOf("basic-10000"), fickle(), "round 2: answer"],
  ])("tells %s", (_, job, faulty, problem) => {
    expect(() => runJob(job, faulty)).toThrow(problem)
  })
})
