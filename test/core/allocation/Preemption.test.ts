import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { comparePriorities } from "../../../core/allocation/Preemption/Priority.ts"
import {
  findPreemptions,
  type Preemption,
  type PreemptionHost,
  type PreemptionTask,
} from "../../../core/allocation/Preemption.ts"
import { amountOf, type Quantities, toQuantities } from "../../../core/resources/Quantities.ts"
import { plainScalar, type Resource, resourceOf, toKind } from "../../../core/resources/Resource.ts"
import {
  addResources,
  quantitiesToResources,
  type Resources,
  subtractResources,
  toResources,
} from "../../../core/resources/Resources.ts"

const priorities = { batch: -1, "web/live": 2, web: 1 }

const reservedFor = (role: string, name = "cpus") =>
  toKind({
    name,
    type: "scalar",
    reservations: [{ type: "dynamic", role, principal: null, labels: [] }],
  })
const ports = toKind({ name: "ports", type: "ranges" })
const volume = toKind({
  name: "disk",
  type: "scalar",
  reservations: [{ type: "dynamic", role: "web", principal: null, labels: [] }],
  disk: {
    persistence: { id: "v1", principal: null },
    volume: { containerPath: "data", mode: "RW" },
    source: null,
  },
})
const revocable = toKind({ name: "cpus", type: "scalar", revocable: true })

const cpus = (milli: number): Resource => resourceOf(plainScalar("cpus"), milli)
const mem = (milli: number): Resource => resourceOf(plainScalar("mem"), milli)

const task = (
  key: string,
  lostWork: number,
  resources: ReadonlyArray<Resource>,
  more: Partial<PreemptionTask> = {},
): PreemptionTask => ({
  key,
  role: "batch",
  resources: toResources(resources),
  lostWork,
  startedAtMs: 0,
  ...more,
})

const host = (
  tasks: ReadonlyArray<PreemptionTask>,
  available: ReadonlyArray<Resource> = [],
  owed: Quantities = {},
  agentId = "h1",
): PreemptionHost => ({ agentId, available: toResources(available), owed, tasks })

const stops = (found: ReadonlyArray<Preemption>): ReadonlyArray<string> =>
  found.map(({ agentId, tasks, lostWork }) =>
    `${agentId}: ${tasks.map(({ key }) => key).join(" ")} ${lostWork}`.trim(),
  )

const find = (one: PreemptionHost, resources: Quantities | Resources, role = "web") =>
  stops(findPreemptions([one], { role, resources }, priorities))

describe("comparePriorities", () => {
  it.each([
    ["web", "batch", 1],
    ["batch", "web", -1],
    ["web", "other", 1],
    ["other", "more", 0],
    ["web", "web", 0],
    ["web/live", "web/old", 1],
    ["web/live", "web", 1],
    ["web", "web/live", -1],
    ["web/old", "web", 0],
    // Where the paths part, not what lies below.
    ["web/live", "batch/high", 1],
    ["other/live", "web", -1],
    ["web/live/a", "web/live/b", 0],
    ["constructor", "web", -1],
  ])("%s, %s: %i", (left, right, expected) => {
    expect(Math.sign(comparePriorities(priorities, left, right))).toBe(expected)
  })
})

describe("findPreemptions", () => {
  it("stops whom it costs least", () => {
    const tasks = [
      task("dear", 9, [cpus(4_000)]),
      task("cheap", 2, [cpus(2_000)]),
      task("b", 3, [cpus(2_000)]),
    ]
    expect(find(host(tasks), { cpus: 2_000 })).toEqual(["h1: cheap 2"])
    expect(find(host(tasks), { cpus: 4_000 })).toEqual(["h1: cheap b 5"])
    expect(find(host(tasks), { cpus: 6_000 })).toEqual(["h1: cheap dear 11"])
    expect(find(host(tasks), { cpus: 9_000 })).toEqual([])
    expect(find(host(tasks, [cpus(2_000)]), { cpus: 2_000 })).toEqual(["h1:  0"])
  })

  it("stops nobody of equal or higher priority", () => {
    const tasks = [
      task("equal", 0, [cpus(2_000)], { role: "web" }),
      task("higher", 0, [cpus(2_000)], { role: "web/live" }),
      task("lower", 5, [cpus(2_000)]),
    ]
    expect(find(host(tasks), { cpus: 2_000 })).toEqual(["h1: lower 5"])
    expect(find(host(tasks), { cpus: 2_000 }, "batch")).toEqual([])
    expect(find(host(tasks), { cpus: 4_000 }, "web/live")).toEqual(["h1: equal lower 5"])
  })

  it("pays the reserve first", () => {
    const tasks = [task("a", 1, [cpus(1_000)]), task("b", 1, [cpus(1_000)]), task("c", 5, [cpus(3_000)])]
    expect(find(host(tasks, [], { cpus: 1_000 }), { cpus: 1_000 })).toEqual(["h1: a b 2"])
    expect(find(host(tasks, [], { cpus: 2_000 }), { cpus: 1_000 })).toEqual(["h1: c 5"])
    expect(find(host(tasks, [], { cpus: 5_000 }), { cpus: 1_000 })).toEqual([])
    // What is reserved is no part of the reserve.
    const own = task("own", 2, [resourceOf(reservedFor("web"), 1_000)])
    expect(find(host([own], [], { cpus: 5_000 }), { cpus: 1_000 })).toEqual(["h1: own 2"])
  })

  it("counts only what an offer to the role could hold and a task use up", () => {
    const tasks = [
      task("others", 0, [resourceOf(reservedFor("ads"), 4_000)]),
      task("revocable", 0, [resourceOf(revocable, 4_000)]),
      task("ancestors", 7, [resourceOf(reservedFor("web"), 4_000)]),
    ]
    expect(find(host(tasks), { cpus: 1_000 }, "web/live")).toEqual(["h1: ancestors 7"])
    const keeper = task("keeper", 0, [resourceOf(volume, 4_000)])
    expect(find(host([keeper]), { disk: 1_000 })).toEqual([])
    expect(find(host([keeper]), toResources([resourceOf(volume, 4_000)]))).toEqual(["h1: keeper 0"])
    expect(find(host([keeper]), toResources([resourceOf(volume, 3_000)]))).toEqual([])
  })

  it("counts ports by number, or wants just these", () => {
    const tasks = [
      task("a", 1, [resourceOf(ports, [31_000, 31_001])]),
      task("b", 2, [resourceOf(ports, [31_002, 31_004])]),
    ]
    expect(find(host(tasks, [resourceOf(ports, [31_005, 31_005])]), { ports: 3_000 })).toEqual(["h1: a 1"])
    const these = (...ranges: ReadonlyArray<number>) => toResources([resourceOf(ports, ranges)])
    expect(find(host(tasks, [resourceOf(ports, [31_005, 31_005])]), these(31_004, 31_005))).toEqual([
      "h1: b 2",
    ])
    expect(find(host(tasks), these(31_001, 31_002))).toEqual(["h1: a b 3"])
    expect(find(host(tasks), these(31_005, 31_005))).toEqual([])
  })

  it("prefers fewer tasks, then younger ones, then hosts by id", () => {
    const tasks = [
      task("old", 4, [cpus(2_000)], { startedAtMs: 1 }),
      task("young", 4, [cpus(2_000)], { startedAtMs: 2 }),
      task("a", 2, [cpus(1_000)]),
      task("b", 2, [cpus(1_000)]),
    ]
    expect(find(host(tasks), { cpus: 2_000 })).toEqual(["h1: young 4"])
    const hosts = [
      host(tasks.slice(2), [], {}, "two"),
      host(tasks.slice(0, 2), [], {}, "one-b"),
      host(tasks.slice(0, 2), [], {}, "one-a"),
      host(tasks, [cpus(2_000)], {}, "none"),
    ]
    expect(stops(findPreemptions(hosts, { role: "web", resources: { cpus: 2_000 } }, priorities))).toEqual([
      "none:  0",
      "one-a: young 4",
      "one-b: young 4",
      "two: a b 4",
    ])
  })

  it("refuses lost work that is no whole number", () => {
    expect(() => find(host([task("a", 0.5, [cpus(1)])]), { cpus: 1 })).toThrow("task a: lost work 0.5")
  })
})

// --- against brute force ---

const roles = ["batch", "batch/x", "web", "web/live", "ads"]

const anyResources = fc.record({
  cpus: fc.integer({ min: 0, max: 4 }),
  mem: fc.integer({ min: 0, max: 3 }),
  reserved: fc.constantFrom(0, 0, 0, 1, 2),
  ports: fc.integer({ min: 0, max: 2 }),
})

interface Scene {
  readonly reserve: Quantities
  readonly slack: Quantities
  readonly wanted: Quantities
  readonly role: string
  readonly tasks: ReadonlyArray<PreemptionTask>
}

const scene = (maxTasks: number): fc.Arbitrary<Scene> =>
  fc.record({
    reserve: fc.constantFrom({}, {}, { cpus: 2 }, { cpus: 3, mem: 2 }),
    slack: fc.constantFrom({}, { cpus: 1 }, { cpus: 2, mem: 1 }, { ports: 1_000 }),
    wanted: fc
      .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 2 }))
      .map(([cpu, memory, count]) =>
        toQuantities([
          ["cpus", cpu],
          ["mem", memory],
          ["ports", count * 1000],
        ]),
      ),
    role: fc.constantFrom("web", "web/live", "batch"),
    tasks: fc
      .array(
        fc.tuple(
          anyResources,
          fc.constantFrom(...roles, "batch", "ads"),
          fc.integer({ min: 0, max: 6 }),
          fc.nat(3),
        ),
        { maxLength: maxTasks },
      )
      .map((list) =>
        list.map(([amounts, role, lostWork, startedAtMs], index) => {
          const first = 31_000 + 3 * index
          const all = [cpus(amounts.cpus), mem(amounts.mem)].concat(
            resourceOf(reservedFor("web"), amounts.reserved),
            amounts.ports === 0 ? [] : resourceOf(ports, [first, first + amounts.ports - 1]),
          )
          return task(`t${index}`, lostWork, all, { role, startedAtMs })
        }),
      ),
  })

const allOf = (tasks: ReadonlyArray<PreemptionTask>): Resources =>
  tasks.map(({ resources }) => resources).reduce(addResources, [])

const slackOf = (slack: Quantities): Resources =>
  toResources([
    cpus(amountOf(slack, "cpus")),
    mem(amountOf(slack, "mem")),
    ...(amountOf(slack, "ports") === 0 ? [] : [resourceOf(ports, [40_000, 40_000])]),
  ])

const amountIn = (resources: Resources, isCounted: (resource: Resource) => boolean): number => {
  let sum = 0
  for (const { value } of resources.filter(isCounted)) {
    if (typeof value === "number") sum += value
    else
      for (let at = 0; at < value.length; at += 2)
        sum += 1000 * (Number(value[at + 1]) - Number(value[at]) + 1)
  }
  return sum
}

/** From what the host has in all, rather than from what is free and owed. */
const fitsWithout = (
  { reserve, slack, wanted, role, tasks }: Scene,
  stopped: ReadonlyArray<PreemptionTask>,
): boolean => {
  const total = addResources(allOf(tasks), slackOf(slack))
  const rest = subtractResources(total, allOf(tasks.filter((other) => !stopped.includes(other))))
  return Object.keys(wanted).every((name) => {
    const plain = amountIn(rest, ({ kind }) => kind.key === name && kind.type === "scalar")
    const free = Math.max(0, plain - amountOf(reserve, name))
    const others = rest.filter(
      ({ kind }) => kind.name === name && !(kind.key === name && kind.type === "scalar"),
    )
    const reserved = role.startsWith("web")
      ? amountIn(others, () => true)
      : amountIn(others, ({ kind }) => kind.reservations.length === 0)
    return free + reserved >= amountOf(wanted, name)
  })
}

const hostOf = ({ reserve, slack }: Scene, tasks: ReadonlyArray<PreemptionTask>): PreemptionHost => {
  const free = slackOf(slack)
  const plainFree = (name: string) =>
    amountIn(free, ({ kind }) => kind.key === name && kind.type === "scalar")
  const available = free.map(({ kind, value }) =>
    kind.type === "scalar"
      ? resourceOf(kind, Math.max(0, (value as number) - amountOf(reserve, kind.name)))
      : resourceOf(kind, value),
  )
  const owed = toQuantities(
    Object.keys(reserve).map((name): [string, number] => [
      name,
      Math.max(0, amountOf(reserve, name) - plainFree(name)),
    ]),
  )
  return { agentId: "h", available: toResources(available), owed, tasks }
}

const costOf = (tasks: ReadonlyArray<PreemptionTask>) =>
  tasks.reduce((sum, { lostWork }) => sum + lostWork, 0)

const solve = (one: Scene): Preemption | undefined =>
  findPreemptions([hostOf(one, one.tasks)], { role: one.role, resources: one.wanted }, priorities)[0]

const candidatesOf = ({ tasks, role }: Scene) =>
  tasks.filter((other) => comparePriorities(priorities, other.role, role) < 0)

describe("preemption sets", () => {
  it("lose least work, then stop fewest, as trying all shows", () => {
    let solved = 0
    let several = 0
    fc.assert(
      fc.property(scene(8), (one) => {
        const candidates = candidatesOf(one)
        let best: readonly [cost: number, count: number] | undefined
        for (let mask = 0; mask < 1 << candidates.length; mask++) {
          const set = candidates.filter((_, index) => (mask >> index) & 1)
          if (!fitsWithout(one, set)) continue
          const cost = costOf(set)
          if (best === undefined || cost < best[0] || (cost === best[0] && set.length < best[1]))
            best = [cost, set.length]
        }
        const found = solve(one)
        expect(found && [found.lostWork, found.tasks.length]).toEqual(best)
        if (found === undefined) return
        expect(found.isBest).toBe(true)
        expect(found.tasks.every((other) => candidates.includes(other))).toBe(true)
        expect(fitsWithout(one, found.tasks)).toBe(true)
        solved++
        if (found.tasks.length > 1) several++
      }),
      { numRuns: 400 },
    )
    expect(solved).toBeGreaterThan(100)
    expect(several).toBeGreaterThan(20)
  })

  it("hold nobody who need not be stopped, also with many tasks", () => {
    fc.assert(
      fc.property(scene(40), fc.integer({ min: 1, max: 4 }), (one, times) => {
        const scaled = {
          ...one,
          wanted: toQuantities(
            Object.keys(one.wanted).map((name): [string, number] => [name, one.wanted[name]! * times]),
          ),
        }
        const found = solve(scaled)
        if (found === undefined) {
          expect(fitsWithout(scaled, candidatesOf(scaled))).toBe(false)
          return
        }
        expect(fitsWithout(scaled, found.tasks)).toBe(true)
        for (const spared of found.tasks) {
          expect(
            fitsWithout(
              scaled,
              found.tasks.filter((other) => other !== spared),
            ),
          ).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })

  it("do not depend on the order in which tasks are told", () => {
    fc.assert(
      fc.property(scene(10), fc.nat(), (one, seed) => {
        const turned = one.tasks.slice(seed % 11).concat(one.tasks.slice(0, seed % 11))
        const request = { role: one.role, resources: one.wanted }
        const [found] = findPreemptions([hostOf(one, one.tasks)], request, priorities)
        expect(findPreemptions([hostOf(one, turned)], request, priorities)[0]).toEqual(found)
      }),
      { numRuns: 200 },
    )
  })

  it("are found for a crowd of equal tasks, whose sets are beyond counting", () => {
    const crowd = Array.from({ length: 60 }, (_, index) =>
      task(`t${100 + index}`, 5, [cpus(1_000), mem(1_000)]),
    )
    const [found] = findPreemptions(
      [host(crowd, [], { cpus: 3_000 })],
      { role: "web", resources: { cpus: 20_000, mem: 4_000 } },
      priorities,
    )
    expect(found!.isBest).toBe(true)
    expect(found!.tasks.map(({ key }) => key)).toEqual(crowd.slice(0, 23).map(({ key }) => key))
  })

  it("are small, if not surely the least, beyond what can be searched", () => {
    const crowd = Array.from({ length: 1_001 }, (_, index) => task(`t${index}`, index, [cpus(1_000)]))
    const [found] = findPreemptions([host(crowd)], { role: "web", resources: { cpus: 3_000 } }, priorities)
    expect(found).toMatchObject({ lostWork: 3, isBest: false })
    expect(quantitiesToResources({ cpus: 3_000 })).toEqual(allOf(found!.tasks))
  })
})
