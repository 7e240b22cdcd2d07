// What monitor and agent of one host say to each other (design §4): one JSON object a line, over the socket
// `monitor.sock` in the agent's folder (0600). Plain types and checks: the monitor keeps its period without Effect.
//
//   monitor → agent   Hello, then a Beat at least each `beatMsMost`, at once when it has news; orders in between
//   agent → monitor   Granted or Refused, then Heard for each beat, Revoked at the end
//
// The lease. Each beat renews it; `leaseMs` after the last one the agent revokes it, lowers the ceiling to its floor and
// is the only writer until a new Hello. The monitor knows that it holds the lease only as long as its newest answered
// beat was sent less than `trustMs` ago by its own monotonic clock; otherwise it raises nothing, connects anew and hands
// over from the start. Lowering is allowed at any time: two who both only lower cannot lend too much.

/** Raised with every change that an older peer would misread; a peer of another version is refused. */
export const monitorProtocolVersion = 1

export const monitorSocketName = "monitor.sock"

/** Age of the last beat at which the agent takes the ceiling back. */
export const leaseMs = 1_000
/** Age of the newest answered beat up to which the monitor may raise the ceiling: well below `leaseMs`. */
export const trustMs = 500
/** Without news the monitor beats this often: every beat wakes two processes on a host that should idle. */
export const beatMsMost = 250
/** A line that grows longer ends the connection. */
export const lineBytesMax = 1024 * 1024

/** Amounts of one host: thousandths of a cpu, thousandths of MiB, whole numbers. */
export interface HostAmounts {
  readonly cpuMilli: number
  readonly memMilli: number
}

/** What the monitor last measured; null where it could not. For people and metrics; only `capacity`, against which the
 * reserve counts, decides anything. */
export interface HostUse {
  readonly capacity: HostAmounts
  readonly primary: { readonly cpuMilli: number | null; readonly memMilli: number | null }
  readonly harvest: { readonly cpuMilli: number | null; readonly memMilli: number | null }
}

/** The parent cgroup's ceiling as it was read back; null = none. */
export interface CeilingInForce {
  readonly cpuMilli: number | null
  readonly memMilli: number | null
}

export type MonitorLine =
  | {
      readonly type: "Hello"
      readonly protocolVersion: number
      readonly pid: number
      readonly version: string
      /** Canonical text of the policy it runs. */
      readonly policy: string
    }
  | {
      readonly type: "Beat"
      /** 1, 2, 3, … on this connection. */
      readonly number: number
      /** What to keep of the host for its primary; null = not known yet, which keeps everything. */
      readonly reserve: HostAmounts | null
      readonly use: HostUse
      readonly ceiling: CeilingInForce
      /** Writes to the ceiling that did not hold, since the monitor's start. */
      readonly notBiting: number
      /** Samples that could not be taken, since the monitor's start. */
      readonly missedSamples: number
      /** Moves of the ceiling since the monitor's start, by direction. */
      readonly lowered: number
      readonly raised: number
      /** How much later than due the guard loop ran at worst since the beat before, ms. */
      readonly lateMs: number
    }
  | { readonly type: "Freeze"; readonly containerId: string; readonly why: string }
  | { readonly type: "Thaw"; readonly containerId: string }
  | { readonly type: "Evict"; readonly containerId: string; readonly why: string }

/** A borrowed task; see `HarvestTask` in core/monitor. */
export interface ToldTask {
  readonly containerId: string
  readonly frameworkId: string
  readonly taskId: string
  readonly priority: number
  readonly ageMs: number
  readonly lostWork: number
  /** Its own limits: how far growth of the ceiling may raise it. */
  readonly cpuMilli: number
  readonly memMilli: number
  readonly isFrozen: boolean
}

export type AgentLine =
  | {
      readonly type: "Granted"
      readonly protocolVersion: number
      readonly cgroupParent: string
      /** What is lent at most. */
      readonly lent: HostAmounts
      readonly tasks: ReadonlyArray<ToldTask>
    }
  | { readonly type: "Refused"; readonly reason: string }
  | {
      readonly type: "Heard"
      /** Number of the beat that this answers. */
      readonly number: number
      /** Present when they changed since the last time they were told, and at least each 5 s. */
      readonly tasks?: ReadonlyArray<ToldTask>
    }
  | { readonly type: "Revoked"; readonly reason: string }
