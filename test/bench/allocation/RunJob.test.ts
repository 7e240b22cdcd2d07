import { describe, expect, it } from "vitest"
import type { MakeAllocator } from "../../../bench/allocation/Cluster.ts"
import type { Job, Mode } from "../../../bench/allocation/Job.ts"
import { makeAllocator } from "../../../bench/allocation/MakeAllocator.ts"
import { recordedQuota } from "../../../bench/allocation/MesosRecorded.ts"
import { runJob } from "../../../bench/allocation/RunJob.ts"
import type { Shape } from "../../../bench/allocation/Shape.ts"
import type { Allocation } from "../../../core/allocation/Allocator.ts"
import { seedPrng } from "../../../core/Prng.ts"
import { NaiveAllocator } from "../../support/naive/NaiveAllocator.ts"
import { withMethods, withOffers } from "./Faults.ts"

const naive: MakeAllocator = (settings) => new NaiveAllocator(settings, seedPrng("allocation bench"))

const shape = (agents: number, frameworks: number, roles: number): Shape => ({ agents, frameworks, roles })

const jobOf = (mode: Mode, own: Shape, rest: Partial<Job> = {}): Job => ({
  mode,
  shape: own,
  variant: "mixed",
  settings: "mesos",
  rounds: 2,
  ...rest,
})

const full = jobOf("full", shape(10, 3, 1))
const manyRoles = jobOf("full", shape(12, 6, 3))
const decline = jobOf("decline", shape(8, 3, 1))
const quota = jobOf("quota", shape(12, 12, 12), { rounds: 1 })
const incremental = jobOf("incremental", shape(8, 4, 1))

/** What an allocator said in a job, cycle by cycle. */
const transcriptOf = (job: Job, make: MakeAllocator): ReadonlyArray<string> => {
  const told: Array<string> = []
  const recorded = withOffers(make, (offers) => {
    told.push(JSON.stringify(offers))
    return offers
  })
  runJob(job, recorded)
  return told
}

describe("the allocator's bench", () => {
  const jobs: ReadonlyArray<readonly [string, Job]> = [full, manyRoles, decline, quota, incremental].flatMap(
    (job) =>
      (["alike", "mixed"] as const).flatMap((variant) =>
        (["mesos", "default"] as const).map((settings): readonly [string, Job] => [
          `${job.mode}, ${job.shape.roles} roles, hosts ${variant}, ${settings} settings`,
          { ...job, variant, settings },
        ]),
      ),
  )

  it.each(jobs)("measures what the obvious allocator does too: %s", (_, job) => {
    const told = transcriptOf(job, makeAllocator)
    expect(told.length).toBeGreaterThan(1)
    expect(told).toEqual(transcriptOf(job, naive))
  })

  it("counts the offers that Mesos makes", () => {
    for (const { shape: own, offers } of recordedQuota.slice(0, 2)) {
      const [first, second] = runJob(jobOf("quota", own, { variant: "alike", rounds: 1 }), makeAllocator)
      expect([first!.offers, second!.offers]).toEqual([offers, 0])
    }
  })
})

describe("the checks of the allocator's bench", () => {
  const ofFirst = (change: (offer: Allocation) => Partial<Allocation>) =>
    withOffers(makeAllocator, ([first, ...rest]) =>
      first === undefined ? [] : [{ ...first, ...change(first) }, ...rest],
    )
  const morePerHost = ofFirst(({ resources }) => ({
    resources: resources.map(({ kind, value }) => ({
      kind,
      value: kind.name === "cpus" ? (value as number) + 1 : value,
    })),
  }))
  const withoutPorts = ofFirst(({ resources }) => ({
    resources: resources.filter(({ kind }) => kind.name !== "ports"),
  }))
  const reserved = ofFirst(({ resources }) => ({
    resources: resources.map(({ kind, value }) => ({
      kind: { ...kind, reservations: [{ type: "static", role: "x", principal: null, labels: [] }] },
      value,
    })),
  }))
  const dropped = withOffers(makeAllocator, (offers) => offers.slice(0, -1))
  const doubled = withOffers(makeAllocator, (offers) => [...offers, ...offers.slice(-1)])
  const hoarded = withOffers(makeAllocator, (offers) =>
    offers.map((offer) => ({ ...offer, frameworkId: "framework0" })),
  )
  const invented = withOffers(makeAllocator, (offers) =>
    offers.map((offer) => ({ ...offer, agentId: "agent7" })),
  )
  const immortal = withMethods(makeAllocator, { dropFilters: () => undefined })
  const forgetful = withMethods(makeAllocator, { refuse: () => undefined })
  const lazy = withMethods(makeAllocator, {
    allocate: (allocator, nowMs: number, scope: "all" | "changed") =>
      scope === "all" ? allocator.allocate(nowMs, scope) : { count: 0, at: () => undefined },
  })
  const unlimited: MakeAllocator = (settings) => makeAllocator({ ...settings, quotas: {} })

  it.each<[string, Job, MakeAllocator, string]>([
    ["a host that is left out", full, dropped, "9 offers, there are 10 agents"],
    ["a host that is offered twice", full, doubled, "was offered twice"],
    ["more than a host has", full, morePerHost, "was not offered as it is"],
    ["a host without its ports", full, withoutPorts, "was not offered as it is"],
    ["another kind of resource", full, reserved, "something else than plain"],
    ["everything to one framework", full, hoarded, "has a lower share"],
    ["a host that does not exist", full, invented, "which does not exist"],
    ["a role that is not the framework's", full, ofFirst(() => ({ role: "x" })), "in x"],
    ["filters that do not hold", decline, forgetful, "which has refused it"],
    ["filters that cannot be dropped", decline, immortal, "0 of 8 hosts were offered"],
    ["more than is left of a host", decline, morePerHost, "was offered of"],
    ["a declined host that is left out", decline, dropped, "7 offers"],
    ["quotas that are not looked at", quota, unlimited, "above its limit"],
    ["a guarantee that is not met", quota, dropped, "below its guarantee"],
    ["a quota offer that is made twice", quota, doubled, "offered twice"],
    [
      "a larger quota without effect",
      quota,
      withMethods(makeAllocator, { setQuota: () => undefined }),
      "may have more",
    ],
    ["changes that are not noticed", incremental, lazy, "0 offers were made"],
    ["more than what changed", incremental, withOffers(makeAllocator, (o) => [...o, ...o]), "offers"],
  ])("find %s", (_, job, faulty, problem) => {
    expect(() => runJob(job, faulty)).toThrow(problem)
  })
})
