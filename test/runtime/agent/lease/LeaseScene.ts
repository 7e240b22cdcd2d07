import { mkdtempSync, rmSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Logger, type Scope, TestClock, TestContext } from "effect"
import type { HeldTask } from "../../../../runtime/agent/lease/ToldTasks.ts"
import {
  type MonitorLease,
  type MonitorLeaseOptions,
  makeMonitorLease,
} from "../../../../runtime/agent/MonitorLease.ts"
import { Cgroups } from "../../../../runtime/cgroups/Cgroups.ts"
import * as MemoryCgroups from "../../../../runtime/cgroups/MemoryCgroups.ts"
import type { MemoryKernel } from "../../../../runtime/cgroups/MemoryKernel.ts"
import { decodeAgentLine, encodeLine, makeLineReader } from "../../../../runtime/protocol/MonitorLines.ts"
import {
  type AgentLine,
  type HostAmounts,
  type MonitorLine,
  monitorProtocolVersion,
  monitorSocketName,
} from "../../../../runtime/protocol/MonitorProtocol.ts"

// An agent's lease over cgroups in memory and real sockets, and monitors that do as the test says.

export const MiB = 1_048_576
/** 4 cpus and 1600 MiB; the floor is 4 ms, and 100 MiB above what is used. */
export const lent = { cpuMilli: 4_000, memMilli: 1_600_000 }
export const total = { cpus: 4_000, mem: 1_600_000, disk: 7 }
export const floor = { cpuQuotaMicros: 4_000, memBytes: 100 * MiB }
/** All that is lent, name by name, is kept. */
export const everything = { cpus: 4_000, mem: 1_600_000 }
export const hostOf = (times: number): HostAmounts => ({
  cpuMilli: times * 4_000,
  memMilli: times * 1_600_000,
})

export const heldTask = (containerId: string): HeldTask => ({
  containerId,
  frameworkId: "f",
  taskId: containerId,
  priority: 0,
  ageMs: 1,
  lostWork: 500,
  cpuMilli: 500,
  memMilli: 64_000,
})

type Beat = Extract<MonitorLine, { type: "Beat" }>

export const beatOf = (number: number, changes: Partial<Beat> = {}): Beat => ({
  type: "Beat",
  number,
  reserve: { cpuMilli: 6_000, memMilli: 1_600_000 },
  use: {
    capacity: hostOf(2),
    primary: { cpuMilli: 5_000, memMilli: null },
    harvest: { cpuMilli: 10, memMilli: 20 },
  },
  ceiling: { cpuMilli: 2_000, memMilli: 1_600_000 },
  notBiting: 0,
  missedSamples: 0,
  lowered: 0,
  raised: 0,
  lateMs: 0.5,
  ...changes,
})

export class FakeMonitor {
  readonly heard: Array<AgentLine> = []
  isClosed = false
  private beats = 0
  readonly socket: Socket

  constructor(path: string) {
    this.socket = connect(path)
    const reader = makeLineReader(
      (line) => {
        const decoded = decodeAgentLine(line)
        if ("problem" in decoded) throw new Error(decoded.problem)
        this.heard.push(decoded.line)
      },
      () => {
        throw new Error("too long a line from the agent")
      },
    )
    this.socket.on("data", (chunk: Buffer) => reader.take(chunk))
    this.socket.on("error", () => {})
    this.socket.on("close", () => {
      this.isClosed = true
    })
  }

  say(line: MonitorLine): this {
    this.socket.write(encodeLine(line))
    return this
  }

  hello(changes: Partial<Extract<MonitorLine, { type: "Hello" }>> = {}): this {
    const protocolVersion = monitorProtocolVersion
    return this.say({ type: "Hello", protocolVersion, pid: 42, version: "9", policy: "p", ...changes })
  }

  /** The next beat, answered. */
  readonly beat = (changes: Partial<Beat> = {}) =>
    Effect.suspend(() => {
      this.beats += 1
      const number = this.beats
      this.say(beatOf(number, changes))
      return until(() => this.heard.some((line) => line.type === "Heard" && line.number === number))
    })

  readonly granted = Effect.suspend(() => until(() => this.heard.some(({ type }) => type === "Granted")))
  readonly closed = Effect.suspend(() => until(() => this.isClosed))

  last(): AgentLine | undefined {
    return this.heard[this.heard.length - 1]
  }
}

/** Waits for what sockets and fibers bring about; the test's own time limit is the bound. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    let isOver = false
    const look = () => {
      if (isOver) return
      if (condition()) resume(Effect.void)
      else setTimeout(look, 1)
    }
    look()
    return Effect.sync(() => {
      isOver = true
    })
  })

/** Lets so much time pass for the agent, in steps in which nothing comes late. */
export const pass = (ms: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let left = ms; left > 0; left -= 50) {
      yield* TestClock.adjust(Math.min(50, left))
      // What a late judgement waits for: the sockets' turn.
      yield* Effect.async<void>((resume) => {
        setTimeout(() => resume(Effect.void), 1)
      })
    }
  })

export interface LeaseScene {
  readonly lease: MonitorLease
  readonly cgroups: Cgroups["Type"]
  readonly kernel: MemoryKernel
  readonly path: string
  readonly reserves: Array<object>
  readonly evicted: Array<string>
  readonly tasks: Array<HeldTask>
  readonly connect: (path?: string) => FakeMonitor
  /** A monitor that holds the lease. */
  readonly holder: (pid?: number) => Effect.Effect<FakeMonitor>
}

export interface SceneOptions {
  readonly isMonitored?: boolean
  readonly folder?: string
  /** What earlier agents left behind. */
  readonly before?: (cgroups: Cgroups["Type"], folder: string) => Effect.Effect<unknown, unknown>
  readonly tasks?: ReadonlyArray<HeldTask>
}

/** Runs on the test's clock, in a folder of its own. */
export const runScene = (
  play: (scene: LeaseScene) => Effect.Effect<unknown, unknown, Scope.Scope>,
  options: SceneOptions = {},
): Promise<void> => {
  const own = mkdtempSync(join(tmpdir(), "gleaner-lease-"))
  const folder = options.folder ?? own
  const monitors: Array<FakeMonitor> = []
  const { memoryKernel, layer } = MemoryCgroups.make({ parent: "p" })
  const path = join(folder, monitorSocketName)
  const reserves: Array<object> = []
  const evicted: Array<string> = []
  const tasks = [...(options.tasks ?? [])]
  const leaseOptions: MonitorLeaseOptions = {
    folder,
    total,
    isMonitored: options.isMonitored ?? true,
    tasks: () => tasks,
    evict: (containerId, why) => evicted.push(`${containerId}: ${why}`),
    onReserveChanged: (reserve) => reserves.push(reserve),
  }
  const connectTo = (to = path) => {
    const monitor = new FakeMonitor(to)
    monitors.push(monitor)
    return monitor
  }
  const program = Effect.gen(function* () {
    const cgroups = yield* Cgroups
    if (options.before !== undefined) yield* options.before(cgroups, folder)
    const lease = yield* makeMonitorLease(leaseOptions)
    const holder = (pid = 42) =>
      Effect.suspend(() => {
        const monitor = connectTo().hello({ pid })
        return Effect.as(monitor.granted, monitor)
      })
    yield* play({
      lease,
      cgroups,
      kernel: memoryKernel,
      path,
      reserves,
      evicted,
      tasks,
      connect: connectTo,
      holder,
    })
  })
  return Effect.runPromise(
    Effect.scoped(program).pipe(
      Effect.asVoid,
      Effect.provide(layer),
      Effect.provide(TestContext.TestContext),
      Effect.provide(Logger.remove(Logger.defaultLogger)),
    ),
  ).finally(() => {
    for (const monitor of monitors) monitor.socket.destroy()
    rmSync(own, { recursive: true })
  })
}
