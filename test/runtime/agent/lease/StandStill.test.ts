import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Logger, type Scope } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { type MonitorLease, makeMonitorLease } from "../../../../runtime/agent/MonitorLease.ts"
import { Cgroups } from "../../../../runtime/cgroups/Cgroups.ts"
import * as MemoryCgroups from "../../../../runtime/cgroups/MemoryCgroups.ts"
import {
  leaseMs,
  monitorProtocolVersion,
  monitorSocketName,
} from "../../../../runtime/protocol/MonitorProtocol.ts"
import { beatOf, floor, MiB, total, until } from "./LeaseScene.ts"

// One of the two stands still, on real clocks and sockets, the monitor in a process of its own.

let folder = ""
let child: ChildProcess | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-still-"))
})
afterEach(() => {
  child?.kill("SIGKILL")
  child = undefined
  rmSync(folder, { recursive: true })
})

/** Says Hello and beats without a pause, and tells on its stdout what it hears. */
const monitorScript = (path: string): string => `
  const socket = require("net").connect(${JSON.stringify(path)})
  const say = (line) => socket.write(JSON.stringify(line) + "\\n")
  say(${JSON.stringify({ type: "Hello", protocolVersion: monitorProtocolVersion, pid: 7, version: "", policy: "" })})
  let number = 0
  socket.once("data", () =>
    setInterval(() => say(Object.assign(${JSON.stringify(beatOf(1))}, { number: ++number })), 20))
  socket.on("error", () => {})
  socket.on("data", (bytes) => process.stdout.write(bytes))
  socket.on("close", () => process.stdout.write("closed"))
`

const startMonitor = () => {
  let told = ""
  child = spawn(process.execPath, ["-e", monitorScript(join(folder, monitorSocketName))], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  child.stdout!.on("data", (bytes: Buffer) => {
    told += bytes.toString()
  })
  return { process: child, told: () => told }
}

const withLease = (
  use: (lease: MonitorLease) => Effect.Effect<unknown, unknown, Scope.Scope | Cgroups>,
): Promise<unknown> =>
  Effect.gen(function* () {
    const lease = yield* makeMonitorLease({
      folder,
      total,
      isMonitored: true,
      tasks: () => [],
      evict: () => {},
      onReserveChanged: () => {},
    })
    yield* use(lease)
  }).pipe(
    Effect.scoped,
    Effect.provide(MemoryCgroups.layer({ parent: "p" })),
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    Effect.runPromise,
  )

const raised = { cpuQuotaMicros: 200_000, memBytes: 500 * MiB }
const hasBeaten = (lease: MonitorLease) => until(() => lease.view().reserve !== null)

it("a monitor that stands still loses the lease, and sees it when it goes on", () =>
  withLease((lease) =>
    Effect.gen(function* () {
      const cgroups = yield* Cgroups
      const monitor = startMonitor()
      yield* hasBeaten(lease)
      yield* cgroups.setCeiling(raised)
      monitor.process.kill("SIGSTOP")
      yield* until(() => lease.counts().losses === 1)
      expect(lease.view().beatAgeMs).toBeGreaterThanOrEqual(leaseMs)
      expect(yield* cgroups.ceiling).toEqual(floor)
      expect(monitor.told()).not.toMatch(/Revoked|closed/)
      monitor.process.kill("SIGCONT")
      // A beat that it writes before it reads may fail and cost it the last line; the end it sees in any case.
      yield* until(() => monitor.told().includes("closed"))
      expect(yield* cgroups.ceiling).toEqual(floor)
    }),
  ))

it("an agent that stands still reads what its monitor said meanwhile before it judges", () =>
  withLease((lease) =>
    Effect.gen(function* () {
      const cgroups = yield* Cgroups
      startMonitor()
      yield* hasBeaten(lease)
      yield* cgroups.setCeiling(raised)
      // Nothing of this process moves, while its monitor beats on.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * leaseMs)
      const heardAtMs = lease.view().beatAgeMs!
      expect(heardAtMs).toBeGreaterThanOrEqual(2 * leaseMs - 100)
      yield* until(() => lease.view().beatAgeMs! < leaseMs)
      expect(lease.counts().losses).toBe(0)
      expect(yield* cgroups.ceiling).toEqual(raised)
    }),
  ))
