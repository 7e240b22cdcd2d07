import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { connectionsMax, linesPerSecondMax } from "../../../../runtime/agent/lease/LeaseSocket.ts"
import { encodeLine } from "../../../../runtime/protocol/MonitorLines.ts"
import {
  lineBytesMax,
  monitorProtocolVersion,
  monitorSocketName,
} from "../../../../runtime/protocol/MonitorProtocol.ts"
import { pause } from "../../../support/Gleaner.ts"
import { beatOf, everything, FakeMonitor, floor, heldTask, runScene } from "./LeaseScene.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-socket-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Why the scene did not even begin. */
const refusal = (options: Parameters<typeof runScene>[1]): Promise<string> =>
  runScene(() => Effect.void, options).then(
    () => "it began",
    (error: Error) => error.message,
  )

describe("the monitor's socket", () => {
  it("is its owner's alone and goes with the agent", async () => {
    await runScene(
      ({ path }) =>
        Effect.sync(() => {
          expect(statSync(path).isSocket()).toBe(true)
          expect(statSync(path).mode & 0o777).toBe(0o600)
        }),
      { folder },
    )
    expect(() => statSync(join(folder, monitorSocketName))).toThrow("ENOENT")
  })

  it("of an agent that was killed is replaced", async () => {
    const path = join(folder, monitorSocketName)
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
    spawnSync(process.execPath, ["-e", script])
    expect(statSync(path).isSocket()).toBe(true)
    await runScene(({ holder }) => holder(), { folder })
  })

  it("of an agent that lives is respected", async () => {
    const path = join(folder, monitorSocketName)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    expect(await refusal({ folder })).toContain("another agent serves there")
    expect(statSync(path).isSocket()).toBe(true)
    server.close()
  })

  it("does not take the place of anything else", async () => {
    writeFileSync(join(folder, monitorSocketName), "precious")
    expect(await refusal({ folder })).toContain("something else is there: remove it")
  })

  it("cannot lie too deep", async () => {
    const message = await refusal({ folder: join(folder, "x".repeat(107)) })
    expect(message).toContain("the path of a unix socket may have 107: choose a shorter folder with --data")
  })

  it("says goodbye when the agent stops", async () => {
    const monitors: Array<FakeMonitor> = []
    await runScene(({ path }) => {
      // One that the scene does not end.
      const monitor = new FakeMonitor(path).hello()
      monitors.push(monitor)
      return monitor.granted
    })
    await Effect.runPromise(monitors[0]!.closed)
    expect(monitors[0]!.last()).toEqual({ type: "Revoked", reason: "the agent stops" })
  })
})

describe("a connection", () => {
  const hello = {
    type: "Hello",
    protocolVersion: monitorProtocolVersion,
    pid: 7,
    version: "",
    policy: "",
  } as const

  it("of another version is refused in words", () =>
    runScene(({ connect, lease }) =>
      Effect.gen(function* () {
        const monitor = connect().hello({ protocolVersion: 99 })
        yield* monitor.closed
        expect(monitor.heard).toEqual([
          {
            type: "Refused",
            reason: `this agent speaks version ${monitorProtocolVersion} of the protocol between monitor and agent, the monitor 99: run the same release of gleaner for both`,
          },
        ])
        expect(lease.view().monitor).toBe("lost")
      }),
    ))

  it.each<[string, string, string]>([
    ["garbage", "GET / HTTP/1.1\r\n", "the line is no JSON object"],
    ["a beat first", encodeLine(beatOf(1)), "Beat before Granted"],
    ["orders first", encodeLine({ type: "Evict", containerId: "a", why: "" }), "Evict before Granted"],
    ["too long a line", "x".repeat(lineBytesMax + 1), "the line is too long"],
  ])("that begins with %s is refused, and the holder hears nothing of it", (_, bytes, reason) =>
    runScene(({ connect, holder, lease }) =>
      Effect.gen(function* () {
        const monitor = yield* holder()
        const other = connect()
        other.socket.write(bytes)
        yield* other.closed
        expect(other.heard).toEqual([{ type: "Refused", reason }])
        yield* monitor.beat()
        expect(lease.view().monitor).toBe("held")
      }),
    ),
  )

  it.each<[string, string, string]>([
    ["garbage", "\u0000\n", "the line is no JSON object"],
    ["a beat twice", encodeLine(beatOf(1)), "beat 2 is expected, not 1: the monitor is out of step"],
    ["a beat too early", encodeLine(beatOf(3)), "beat 2 is expected, not 3: the monitor is out of step"],
    [
      "an impossible amount",
      encodeLine(beatOf(2, { reserve: { cpuMilli: -1, memMilli: 0 } })),
      "Beat.reserve.cpuMilli: a whole number from 0 to 1000000000000 is expected",
    ],
    ["another Hello", encodeLine(hello), "Hello is said once on a connection"],
    ["too long a line", "x".repeat(lineBytesMax + 1), "the line is too long"],
    [
      "a flood",
      encodeLine({ type: "Thaw", containerId: "a" }).repeat(linesPerSecondMax + 1),
      `more than ${linesPerSecondMax} lines a second`,
    ],
  ])("of the holder that says %s costs it the lease at once", (_, bytes, reason) =>
    runScene(({ holder, cgroups, lease }) =>
      Effect.gen(function* () {
        const monitor = yield* holder()
        yield* monitor.beat()
        yield* cgroups.setCeiling({ cpuQuotaMicros: 400_000 })
        monitor.socket.write(bytes)
        yield* monitor.closed
        expect(monitor.last()).toEqual({ type: "Revoked", reason })
        expect(yield* cgroups.ceiling).toEqual(floor)
        expect(lease.reserve()).toEqual(everything)
        // The agent lives on, and trusts the next Hello.
        yield* Effect.flatMap(holder(8), (next) => next.beat())
      }),
    ),
  )

  it("that ends within a line has said nothing", () =>
    runScene(({ connect, lease, holder }) =>
      Effect.gen(function* () {
        const monitor = connect()
        monitor.socket.end(encodeLine(hello).slice(0, -1))
        yield* monitor.closed
        expect(monitor.heard).toEqual([])
        expect(lease.view().monitor).toBe("lost")
        yield* holder()
      }),
    ))

  it("too many is refused, and silent ones make room in time", () =>
    runScene(({ connect, holder }) =>
      Effect.gen(function* () {
        const silent = Array.from({ length: connectionsMax }, () => connect())
        const next = connect().hello()
        yield* next.closed
        expect(next.heard).toEqual([
          { type: "Refused", reason: "4 connections are open already: is more than one monitor running?" },
        ])
        yield* Effect.forEach(silent, (monitor) => monitor.closed)
        yield* holder()
      }),
    ))

  it("that reads nothing is cut before its answers fill the agent", () =>
    runScene(
      ({ holder, lease }) =>
        Effect.gen(function* () {
          const monitor = yield* holder(1)
          monitor.socket.pause()
          let number = 0
          while (!monitor.socket.destroyed && number < 400) {
            number += 1
            // After an order for a task that is not here the next answer tells all tasks.
            monitor.say({ type: "Thaw", containerId: "nobody" }).say(beatOf(number))
            yield* Effect.promise(() => pause(2))
          }
          expect(monitor.socket.destroyed).toBe(true)
          // A lost connection is not yet a lost lease, and another monitor may take over.
          expect(lease.view().monitor).toBe("held")
          yield* holder(2)
        }),
      { tasks: Array.from({ length: 2_000 }, (_, index) => heldTask(`task-${index}`)) },
    ))
})
