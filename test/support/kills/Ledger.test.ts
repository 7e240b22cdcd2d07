import { describe, expect, it } from "vitest"
import { makeChance } from "./Chance.ts"
import type { Entry, EntryBody, OperationIntent, WireResource } from "./Diary.ts"
import { judgeOperations, labelKey, labelOf } from "./Ledger.ts"
import { planOperations } from "./Operations.ts"

// A ledger that finds nothing proves nothing: each law is broken here once, and must be named.

const entry = (body: EntryBody): Entry => ({ at: 1, life: 1, ...body }) as Entry

const meant = (
  operationId: string,
  kind: OperationIntent["kind"],
  subject: string,
  status = 202,
): ReadonlyArray<Entry> => [
  entry({
    type: "operation",
    operationId,
    kind,
    subject,
    agentId: "a",
    cpuMilli: 50,
    memMiB: 8,
    diskMiB: 16,
  }),
  entry({ type: "operations-answered", operationIds: [operationId], status }),
]

const told = (operationId: string, state = "OPERATION_FINISHED", uuid: string | null = `u-${operationId}`) =>
  entry({
    type: "operation-update",
    status: {
      operation_id: { value: operationId },
      state,
      ...(uuid === null ? {} : { uuid: { value: uuid } }),
    },
  })

const reservations = (label: string) => [
  { type: "DYNAMIC", role: "storm", labels: { labels: [{ key: labelKey, value: label }] } },
]

const held = (label: string, cpus = 0.05): ReadonlyArray<WireResource> => [
  { name: "cpus", scalar: { value: cpus }, reservations: reservations(label) },
  { name: "mem", scalar: { value: 8 }, reservations: reservations(label) },
  { name: "disk", scalar: { value: 16 }, reservations: reservations(label) },
]

const withVolume = (label: string, id: string) =>
  held(label).map((resource) =>
    resource.name === "disk" ? { ...resource, disk: { persistence: { id } } } : resource,
  )

const kindsOf = (diary: ReadonlyArray<Entry>, reserved: ReadonlyArray<WireResource> = []) =>
  judgeOperations(diary, reserved).map(({ kind, who }) => `${kind}: ${who}`)

const reserved = [...meant("o1", "RESERVE", "r"), told("o1")]

describe("the ledger of a storm", () => {
  it("finds nothing where every law holds", () => {
    expect(kindsOf(reserved, held("r"))).toEqual([])
    expect(kindsOf([...reserved, told("o1")], held("r"))).toEqual([])
    expect(kindsOf([...reserved, ...meant("o2", "UNRESERVE", "r"), told("o2")])).toEqual([])
    expect(
      kindsOf(
        [...reserved, ...meant("o2", "CREATE", "v"), told("o2"), ...meant("o3", "DESTROY", "v", 400)],
        withVolume("r", "v"),
      ),
    ).toEqual([])
    expect(kindsOf(meant("o1", "RESERVE", "r", 400))).toEqual([])
    expect(kindsOf([...meant("o1", "RESERVE", "r", 0), told("o1", "OPERATION_UNKNOWN", null)])).toEqual([])
    // Finished, acknowledged, and forgotten afterwards.
    expect(kindsOf([...reserved, told("o1", "OPERATION_UNKNOWN", null)], held("r"))).toEqual([])
  })

  it.each<[string, ReadonlyArray<Entry>, ReadonlyArray<WireResource>, string]>([
    ["an operation without an end", meant("o1", "RESERVE", "r"), [], "no end: o1"],
    ["two ends", [...reserved, told("o1", "OPERATION_DROPPED")], held("r"), "two ends: o1"],
    [
      "two statuses of the end",
      [...reserved, told("o1", "OPERATION_FINISHED", "u")],
      held("r"),
      "two ends: o1",
    ],
    ["a lost reservation", reserved, [], "lost though done: r"],
    [
      "a reservation that came back",
      [...reserved, ...meant("o2", "UNRESERVE", "r"), told("o2")],
      held("r"),
      "there though undone: r",
    ],
    ["more than was meant", reserved, [...held("r"), ...held("r")], "wrong amount: r"],
    ["less than was meant", reserved, held("r", 0.04), "wrong amount: r"],
    [
      "what nobody asked for",
      reserved,
      [...held("r"), { name: "cpus", scalar: { value: 1 }, reservations: reservations("other") }],
      "reserved unasked: other",
    ],
    [
      "what was dropped, and is there",
      [...meant("o1", "RESERVE", "r"), told("o1", "OPERATION_DROPPED")],
      held("r"),
      "done untold: r",
    ],
    [
      "one reservation given back twice",
      [
        ...reserved,
        ...meant("o2", "UNRESERVE", "r"),
        told("o2"),
        ...meant("o3", "UNRESERVE", "r"),
        told("o3"),
      ],
      [],
      "undone twice: r",
    ],
    [
      "a lost volume",
      [...reserved, ...meant("o2", "CREATE", "v"), told("o2")],
      held("r"),
      "lost though done: v",
    ],
    [
      "a volume that was destroyed and is there",
      [...reserved, ...meant("o2", "CREATE", "v"), told("o2"), ...meant("o3", "DESTROY", "v"), told("o3")],
      withVolume("r", "v"),
      "there though undone: v",
    ],
    [
      "what was refused, and done",
      [...meant("o1", "RESERVE", "r", 400), told("o1")],
      held("r"),
      "done though refused: o1",
    ],
  ])("names %s", (_what, diary, state, violation) => {
    expect(kindsOf(diary, state)).toContain(violation)
  })
})

describe("the plans of the storm's framework", () => {
  const offer = {
    agent_id: { value: "a" },
    resources: [
      ...held("r1"),
      ...withVolume("r2", "v2"),
      { name: "cpus", scalar: { value: 1 } },
      { name: "mem", scalar: { value: 500 } },
      { name: "disk", scalar: { value: 500 } },
    ],
  }

  it("name each operation, and take a reservation whole", () => {
    const kinds = new Set<string>()
    for (let seed = 1; seed <= 50; seed++) {
      const planned = planOperations({ offer, role: "storm", prefix: "p", chance: makeChance(seed) })
      const ids = planned.map(({ intent }) => intent.operationId)
      expect(new Set(ids).size).toBe(ids.length)
      for (const { intent, wire } of planned) {
        kinds.add(intent.kind)
        const text = JSON.stringify(wire)
        expect(text).toContain(`"id":{"value":"${intent.operationId}"}`)
        if (intent.kind === "UNRESERVE")
          expect(intent).toMatchObject({ cpuMilli: 50, memMiB: 8, diskMiB: 16 })
        // A volume's disk is given back only once the volume is destroyed.
        if (intent.kind === "UNRESERVE") expect(intent.subject).toBe("r1")
      }
    }
    expect([...kinds].sort()).toEqual(["CREATE", "DESTROY", "RESERVE", "UNRESERVE"])
  })

  it("find a reservation by its label", () => {
    expect(offer.resources.map(labelOf)).toEqual([
      "r1",
      "r1",
      "r1",
      "r2",
      "r2",
      "r2",
      undefined,
      undefined,
      undefined,
    ])
  })
})
