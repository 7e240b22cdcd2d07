import { clockTimeOf, type Transcript } from "./Transcript.ts"
import type { Lull, UnrecordedCall } from "./Unrecorded.ts"
import { formerQuota, unrecordedOrders } from "./UnrecordedOrders.ts"
import { reservationOfOffered, unrecordedReservations } from "./UnrecordedReservations.ts"

// Which exchanges belong together, on which master, in which order. They were recorded by scripts, one after the other,
// so a scenario is a stretch of time; the README of the recordings tells the set-ups.

export interface AgentOfSetUp {
  readonly port: number
  readonly cpus: number
  readonly mem: number
  readonly attributes: { readonly [name: string]: string }
}

export interface SetUp {
  readonly port: number
  readonly agents: ReadonlyArray<AgentOfSetUp>
  /** That principals have to prove who they are, as in `AuthSetUp.ts`; null = everyone is answered. */
  readonly password: string | null
}

export const mainSetUp: SetUp = {
  port: 5050,
  agents: [{ port: 5051, cpus: 8, mem: 8192, attributes: { rack: "r1", zone: "z1" } }],
  password: null,
}
const second: SetUp = {
  port: 5070,
  agents: [
    { port: 5071, cpus: 4, mem: 4096, attributes: { rack: "r2" } },
    { port: 5072, cpus: 4, mem: 4096, attributes: { rack: "r3" } },
  ],
  password: null,
}
const auth: SetUp = {
  port: 5060,
  agents: [{ port: 5061, cpus: 8, mem: 8192, attributes: {} }],
  password: "alicepw",
}

export interface Scenario {
  readonly name: string
  readonly setUp: SetUp
  /** The script began; `HH:MM:SS`. */
  readonly from: string
  readonly to: string
  /** Seconds after the beginning, for exchanges whose order is not told by a time. */
  readonly places?: { readonly [exchange: string]: number }
  /** When a stream began, where its calls do not tell it well enough. */
  readonly beginnings?: { readonly [stream: string]: number }
  /** Seconds at which the recorded client closed its stream. */
  readonly closings?: { readonly [stream: string]: number }
  /** Calls that the recorded clients must have made. */
  readonly unrecorded?: ReadonlyArray<UnrecordedCall>
  readonly lulls?: ReadonlyArray<Lull>
  /** Streams whose client acknowledged nothing. */
  readonly silent?: ReadonlyArray<string>
  /** When an agent of the set-up was killed or started again. */
  readonly turns?: ReadonlyArray<{
    readonly atS: number
    readonly agent: number
    readonly does: "dies" | "comes back"
  }>
}

export const scenarios: ReadonlyArray<Scenario> = [
  {
    name: "an idle cluster and its operator",
    setUp: mainSetUp,
    from: "07:30:14",
    to: "07:30:18",
    unrecorded: [...unrecordedReservations, ...unrecordedOrders],
  },
  {
    name: "a framework's life",
    setUp: mainSetUp,
    from: "07:36:26",
    to: "07:37:45",
    places: {
      "scheduler/err_subscribe_negative_failover_timeout": 4.5,
      "operator/SUBSCRIBE_stream": 5.2,
      "scheduler/main_stream": 5.3,
      "scheduler/resubscribe_stream": 52.9,
      "scheduler/main_62_resubscribe_after_TEARDOWN": 71.45,
      "scheduler/rescind_stream": 72,
    },
    closings: { "operator/SUBSCRIBE_stream": 71.97, "scheduler/rescind_stream": 75 },
    unrecorded: [
      {
        atS: 27.4,
        stream: "scheduler/main_stream",
        unreserve: { offer: "O15", role: "web", cpus: 3.5, mem: 192 },
      },
      reservationOfOffered,
    ],
    lulls: [
      { atS: 5.655, stream: "scheduler/main_stream", seconds: 1.5 },
      { atS: 52.335, stream: "scheduler/main_stream", seconds: 2 },
      { atS: 72.475, stream: "scheduler/rescind_stream", seconds: 5 },
    ],
  },
  {
    name: "a cluster with passwords",
    setUp: auth,
    from: "07:40:16",
    to: "07:40:18",
    places: {
      "auth/sched_principal_mismatch": 0.19,
      "auth/sched_role_not_allowed": 0.2,
      "auth/sched_alice_stream": 0.21,
      "auth/sched_no_principal_in_info": 1.5,
    },
    unrecorded: [
      {
        atS: 0.095,
        stream: "auth/sched_alice_stream",
        operator: {
          type: "UPDATE_WEIGHTS",
          update_weights: { weight_infos: [{ role: "web", weight: 2 }] },
        },
      },
    ],
  },
  {
    name: "a framework that comes back",
    setUp: second,
    from: "07:43:52",
    to: "07:44:50",
    places: { "scheduler/failover_stream2": 14.25, "scheduler/failover_bad_change_checkpoint": 14.9 },
    beginnings: { "scheduler/failover_stream1": 0, "scheduler/failover_stream2": 14.25 },
    closings: { "scheduler/failover_stream1": 14, "scheduler/failover_stream2": 16 },
    unrecorded: [
      {
        atS: 0.45,
        stream: "scheduler/failover_stream1",
        launch: { taskId: "fo-1", offer: "O0", agent: "S1", role: "web", refuseS: 0 },
      },
    ],
    silent: ["scheduler/failover_stream1"],
  },
  {
    name: "several frameworks, and agents that go",
    setUp: second,
    from: "07:44:56",
    to: "07:45:25",
    places: { "scheduler/two_limit_stream": 6.57 },
    lulls: [{ atS: 6, stream: "scheduler/two_b_stream", seconds: 3_600 }],
    closings: {
      "scheduler/two_a_stream": 8.5,
      "scheduler/two_b_stream": 8.5,
    },
    beginnings: {
      "scheduler/two_b_stream": 2.97,
      "scheduler/misc_maintenance_stream": 11.2215,
      "scheduler/pa_stream": 15.98,
    },
    unrecorded: [
      formerQuota,
      {
        atS: 11.5,
        stream: "scheduler/misc_maintenance_stream",
        launch: { taskId: "mnt-1", offer: "O16", agent: "S0", role: "ra", refuseS: 0 },
      },
      // Asks nothing; but what is left of that offer is out again before maintenance is announced.
      {
        atS: 11.9,
        stream: "scheduler/misc_maintenance_stream",
        operator: { type: "GET_HEALTH" },
        offered: "c6376f34-75b4-45d0-a289-bf9ab5050946-O18",
      },
      { atS: 14, stream: "scheduler/misc_maintenance_stream", call: { type: "TEARDOWN" } },
      {
        atS: 14.5,
        stream: "scheduler/misc_maintenance_stream",
        operator: { type: "UPDATE_MAINTENANCE_SCHEDULE", update_maintenance_schedule: { schedule: {} } },
      },
      {
        atS: 17.1,
        stream: "scheduler/pa_stream",
        launch: { taskId: "t-a1", offer: "O25", agent: "S0", role: "web", refuseS: 3_600 },
      },
      {
        atS: 26.4,
        stream: "scheduler/pa_stream",
        launch: { taskId: "t-gone", offer: "O26", agent: "S0", role: "web", refuseS: 3_600 },
      },
      { atS: 27, stream: "scheduler/pa_stream", call: { type: "TEARDOWN" } },
    ],
    turns: [{ atS: 17.27, agent: 1, does: "dies" }],
  },
  {
    name: "a checkpointing framework",
    setUp: second,
    from: "07:46:10",
    to: "07:46:19",
    places: { "scheduler/pc_stream": 1 },
    beginnings: { "scheduler/pc_stream": 1 },
    turns: [
      { atS: 2.6, agent: 1, does: "dies" },
      { atS: 7.3, agent: 1, does: "comes back" },
    ],
    unrecorded: [{ atS: 8, stream: "scheduler/pc_stream", call: { type: "TEARDOWN" } }],
  },
  {
    name: "what kills Apache Mesos",
    setUp: second,
    from: "07:46:20",
    to: "07:46:40",
    places: {
      "crashes/REMOVE_QUOTA_unknown_role": 8,
      "crashes/fw_stream": 13,
      "crashes/ACCEPT_RESERVE_empty": 14,
    },
  },
  {
    name: "a task that outgrows its memory",
    setUp: mainSetUp,
    from: "07:39:29",
    to: "07:39:46",
    places: { "agent/sched_stream": 0.55 },
    beginnings: { "agent/sched_stream": 0.55 },
    unrecorded: [
      {
        atS: 0.65,
        stream: "agent/sched_stream",
        launch: { taskId: "ag-1", offer: "O0", agent: "S0", role: "web", refuseS: 0 },
      },
      { atS: 15, stream: "agent/sched_stream", call: { type: "TEARDOWN" } },
    ],
  },
  {
    name: "groups of tasks",
    setUp: mainSetUp,
    from: "08:16:09",
    to: "08:16:40",
    places: { "scheduler/group_stream": 0 },
    unrecorded: [{ atS: 31, stream: "scheduler/group_stream", call: { type: "TEARDOWN" } }],
  },
]

export interface Step {
  readonly atS: number
  readonly transcript: Transcript
}

const secondsOf = (time: string): number => {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(":").map(Number)
  return hours * 3600 + minutes * 60 + seconds
}

/** The exchanges of a scenario in order. */
export const stepsOf = (
  { from, to, setUp, places = {} }: Scenario,
  transcripts: Iterable<Transcript>,
): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  for (const transcript of transcripts) {
    if (transcript.port !== setUp.port || transcript.log !== undefined) continue
    const time = clockTimeOf(transcript)
    const place = places[transcript.name]
    const isWithin = time !== undefined && time >= from && time < to
    if (!isWithin && (time !== undefined || place === undefined)) continue
    const second = time === undefined ? 0 : secondsOf(time) - secondsOf(from)
    steps.push({ atS: place ?? transcript.at_s ?? second, transcript })
  }
  return steps.sort((left, right) => left.atS - right.atS)
}
