import { describe, expect, it } from "vitest"
import { findViolations, type StateView, type StormRecord } from "./Checker.ts"
import type { Entry, EntryBody, LaunchIntent, WireStatus } from "./Diary.ts"

// A checker that finds nothing proves nothing: each law is broken here once, and must be named.

const quiet: StateView = {
  frameworks: [{ tasks: [], unreachable_tasks: [] }],
  orphan_tasks: [],
  slaves: [{ resources: { cpus: 2, mem: 1_000 }, used_resources: { cpus: 0, mem: 0, disk: 0 } }],
}

const entry = (at: number, body: EntryBody): Entry => ({ at, life: 1, ...body }) as Entry

const intent = (taskId: string, exitCode = 0, given: Partial<LaunchIntent> = {}): LaunchIntent => ({
  taskId,
  agentId: "a",
  offerId: "o",
  cpuMilli: 100,
  memMiB: 32,
  exitCode,
  runMs: 1_000,
  shape: "plain",
  ...given,
})

const launched = (at: number, task: LaunchIntent, status = 202): ReadonlyArray<Entry> => [
  entry(at, { type: "launch", ...task }),
  entry(at + 1, { type: "launch-answered", taskIds: [task.taskId], status }),
]

const update = (at: number, taskId: string, state: string, given: Partial<WireStatus> = {}): Entry => {
  const uuid = `${taskId} ${state}`
  return entry(at, { type: "update", status: { task_id: { value: taskId }, state, uuid, ...given } })
}

const withCode = (code: number): Partial<WireStatus> => ({
  labels: { labels: [{ key: "gleaner.exit_code", value: String(code) }] },
})

const answer = (at: number, taskId: string, state: string): Entry =>
  entry(at, {
    type: "update",
    status: { task_id: { value: taskId }, state, reason: "REASON_RECONCILIATION", source: "SOURCE_MASTER" },
  })

const running = (at: number, taskId: string) => [
  update(at, taskId, "TASK_STARTING"),
  update(at + 10, taskId, "TASK_RUNNING", { container_status: { container_id: { value: `c-${taskId}` } } }),
]

const ran = (from: number, code: number, to = from + 100) => [
  `start 12 345 ${(from / 100).toFixed(2)}`,
  `end ${code} ${(to / 100).toFixed(2)}`,
]

const record = (
  diary: ReadonlyArray<Entry>,
  evidence: Readonly<Record<string, ReadonlyArray<string>>> = {},
  given: Partial<StormRecord> = {},
): StormRecord => ({
  diary,
  evidence: new Map(Object.entries(evidence)),
  containersWithoutLauncher: [],
  capacity: { cpuMilli: 2_000, memMiB: 1_000 },
  end: { state: quiet, reserved: [], processes: [], cgroups: [], deserters: [] },
  ...given,
})

const kindsOf = (storm: StormRecord) => findViolations(storm).map(({ kind, who }) => `${kind}: ${who}`)

const wellEnded = (code: number, state = code === 0 ? "TASK_FINISHED" : "TASK_FAILED") => [
  ...launched(10, intent("t", code)),
  ...running(20, "t"),
  update(200, "t", state, withCode(code)),
]

describe("the checker of a storm", () => {
  it("finds nothing where every law holds", () => {
    const story = [
      ...wellEnded(3),
      // Heard again, and asked for once more when the master had already forgotten it.
      update(201, "t", "TASK_FAILED", withCode(3)),
      answer(220, "t", "TASK_UNKNOWN"),
      // Refused: its offer belonged to an earlier life.
      ...launched(300, intent("stale"), 400),
      // Accepted by a master that never got it to the agent.
      ...launched(310, intent("lost")),
      answer(320, "lost", "TASK_GONE"),
      // No answer came, and it was never taken.
      entry(330, { type: "launch", ...intent("unanswered") }),
      answer(340, "unanswered", "TASK_UNKNOWN"),
      ...launched(350, intent("killed", 0)),
      ...running(360, "killed"),
      entry(380, { type: "kill", taskId: "killed" }),
      update(400, "killed", "TASK_KILLED", withCode(143)),
    ]
    expect(kindsOf(record(story, { t: ran(50, 3), killed: ran(370, 143, 390) }))).toEqual([])
  })

  it("excuses an unknown exit code when the storm has killed the launcher, and only then", () => {
    const story = [...launched(10, intent("t")), ...running(20, "t"), update(90, "t", "TASK_FAILED")]
    const evidence = { t: ["start 1 2 0.40"] }
    expect(kindsOf(record(story, evidence, { containersWithoutLauncher: ["c-t"] }))).toEqual([])
    expect(kindsOf(record(story, evidence))).toEqual(["exit code forgotten: t"])
  })

  const planted: ReadonlyArray<readonly [string, StormRecord, string]> = [
    [
      "a launch without an end",
      record([...launched(10, intent("t")), ...running(20, "t")], { t: ran(30, 0) }),
      "no end: t",
    ],
    [
      "an end that was only an answer of what is still to come",
      record([...launched(10, intent("t")), answer(300, "t", "TASK_FINISHED")], { t: ran(30, 0) }),
      "no end: t",
    ],
    [
      "two ends of one state",
      record([...wellEnded(0), update(210, "t", "TASK_FINISHED", { uuid: "other", ...withCode(0) })], {
        t: ran(50, 0),
      }),
      "two ends: t",
    ],
    [
      "two ends that contradict each other",
      record([...wellEnded(0), answer(210, "t", "TASK_FAILED")], { t: ran(50, 0) }),
      "spoke after its end: t",
    ],
    [
      "an end that a loss went before",
      record(
        [
          ...launched(10, intent("t")),
          answer(20, "t", "TASK_GONE"),
          update(30, "t", "TASK_KILLED", withCode(137)),
          entry(25, { type: "kill", taskId: "t" }),
        ],
        {},
      ),
      "two ends: t",
    ],
    ["another exit code than the task's", record(wellEnded(4), { t: ran(50, 3) }), "wrong end: t"],
    ["success that was none", record(wellEnded(3, "TASK_FINISHED"), { t: ran(50, 3) }), "wrong end: t"],
    ["an end without any work", record(wellEnded(0), { t: ["start 1 2 0.50"] }), "wrong end: t"],
    [
      "a task that ran and was called lost",
      record([...launched(10, intent("t")), answer(300, "t", "TASK_LOST")], { t: ran(50, 0) }),
      "lost though it ran: t",
    ],
    [
      "a task that was running and then lost",
      record([...launched(10, intent("t")), ...running(20, "t"), update(90, "t", "TASK_LOST")]),
      "lost though told running: t",
    ],
    [
      "a kill that nobody had asked for",
      record([...launched(10, intent("t")), update(90, "t", "TASK_KILLED")]),
      "killed unasked: t",
    ],
    [
      "a good task refused",
      record([...launched(10, intent("t")), update(90, "t", "TASK_ERROR")]),
      "refused unasked: t",
    ],
    [
      "a state after the end",
      record([...wellEnded(0), update(230, "t", "TASK_RUNNING", { uuid: "late" })], { t: ran(50, 0) }),
      "spoke after its end: t",
    ],
    ["work after the end was told", record(wellEnded(0), { t: ran(150, 0) }), "ran after its end: t"],
    ["two runs", record(wellEnded(0), { t: ["start 1 2 0.40", ...ran(50, 0)] }), "ran twice: t"],
    ["two ends of work", record(wellEnded(0), { t: [...ran(50, 0), "end 0 1.60"] }), "ran twice: t"],
    ["a run that nobody launched", record([], { ghost: ran(50, 0) }), "ran unasked: ghost"],
    [
      "a run of what was refused",
      record(launched(10, intent("t"), 400), { t: ran(50, 0) }),
      "ran unasked: t",
    ],
    [
      "a process that is left",
      record(
        [],
        {},
        { end: { state: quiet, reserved: [], processes: ["7 sleep"], cgroups: [], deserters: [] } },
      ),
      "left behind: 7 sleep",
    ],
    [
      "a cgroup that is left",
      record([], {}, { end: { state: quiet, reserved: [], processes: [], cgroups: ["/c"], deserters: [] } }),
      "left behind: /c",
    ],
    [
      "a daemon that went by itself",
      record(
        [],
        {},
        { end: { state: quiet, reserved: [], processes: [], cgroups: [], deserters: ["agent, life 3"] } },
      ),
      "deserted: agent, life 3",
    ],
  ]
  it.each(planted)("finds %s", (_, storm, expected) => {
    expect(kindsOf(storm)).toEqual([expected])
  })

  it("finds tasks, orphans and resources that the master still holds", () => {
    const state: StateView = {
      frameworks: [{ tasks: [{ id: "t", state: "TASK_RUNNING" }], unreachable_tasks: [{ id: "u" }] }],
      orphan_tasks: [{ id: "o" }],
      slaves: [{ ...quiet.slaves[0]!, used_resources: { cpus: 0.5, mem: 0 } }],
    }
    const end = { state, reserved: [], processes: [], cgroups: [], deserters: [] }
    expect(kindsOf(record([], {}, { end }))).toEqual(
      ["t", "u", "o", "cpus"].map((who) => `left behind: ${who}`),
    )
  })

  it("finds more running at once than the host lends, and not when one follows the other", () => {
    const two = (memMiB: number) => ["t1", "t2"].map((taskId) => intent(taskId, 0, { memMiB }))
    const story = (memMiB: number) =>
      two(memMiB).flatMap((task) => [
        ...launched(10, task),
        update(900, task.taskId, "TASK_FINISHED", withCode(0)),
      ])
    const together = { t1: ran(50, 0), t2: ran(100, 0) }
    expect(kindsOf(record(story(500), together))).toEqual([])
    expect(kindsOf(record(story(501), together))).toEqual(["over capacity: t1 t2"])
    expect(kindsOf(record(story(501), { t1: ran(50, 0), t2: ran(160, 0) }))).toEqual([])
  })
})
