import { connect, type Socket } from "node:net"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { withMaster } from "../../support/BusyMaster.ts"
import { type ServedMaster, secret } from "../../support/MasterFixture.ts"

// Clients that subscribe and then read nothing, over real sockets: what waits for them is bounded, and they are cut.

/** Subscribes and stops reading once its first event has come. */
const subscribeDeaf = ({ url }: ServedMaster, path: string, call: object) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<Socket>((resolve, reject) => {
          const { hostname, port } = new URL(url)
          const body = JSON.stringify(call)
          const socket = connect({ host: hostname, port: Number(port) })
          socket.on("error", reject)
          socket.write(
            `POST ${path} HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer ${secret}\r\n` +
              `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
          )
          let text = ""
          socket.on("data", (chunk: Buffer) => {
            text += chunk.toString("latin1")
            if (!text.includes('"SUBSCRIBED"')) return
            socket.pause()
            resolve(socket)
          })
        }),
    ),
    (socket) => Effect.sync(() => socket.destroy()),
  )

const frameworkNamed = (served: ServedMaster, name: string) =>
  Effect.map(served.ask("/frameworks"), ({ body }) => {
    const { frameworks } = JSON.parse(body) as {
      frameworks: ReadonlyArray<{ name: string; id: string; active: boolean }>
    }
    return frameworks.find((framework) => framework.name === name)!
  })

/** Some 1.3 MB of updates for each call. */
const tasksAsked = 5_000
const callsMax = 100

describe("a framework that reads nothing", () => {
  it("is cut when 16 MiB wait for it, and others go on", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const info = { user: "u", name: "deaf", failover_timeout: 3_600 }
        yield* subscribeDeaf(served, "/api/v1/scheduler", {
          type: "SUBSCRIBE",
          subscribe: { framework_info: info },
        })
        const other = yield* served.framework
        yield* Effect.promise(() => other.subscribe({ name: "other" }))
        const { id } = yield* frameworkNamed(served, "deaf")
        const tasks = Array.from({ length: tasksAsked }, (_, index) => ({
          taskId: `t${index}`,
          agentId: null,
        }))
        let calls = 0
        while ((yield* frameworkNamed(served, "deaf")).active && calls < callsMax) {
          calls++
          yield* served.master.submit({
            event: () => ({ type: "ReconciliationRequested", frameworkId: id, tasks }),
          })
        }
        // The kernel holds some megabytes more than what waits in the master.
        expect(calls).toBeGreaterThan(10)
        expect(calls).toBeLessThan(callsMax)
        yield* Effect.promise(() =>
          other.call({ type: "RECONCILE", reconcile: { tasks: [{ task_id: { value: "mine" } }] } }),
        )
        const { update } = yield* Effect.promise(() => other.next("UPDATE"))
        expect(update.status.task_id.value).toBe("mine")
      }),
    ))
})

describe("an operator that reads nothing", () => {
  it("is cut likewise", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* subscribeDeaf(served, "/api/v1", { type: "SUBSCRIBE" })
        const framework = yield* served.framework
        yield* Effect.promise(() => framework.subscribe({ name: "loud" }))
        expect(served.master.feed.size()).toBe(1)
        // Each update of a framework is told with all that it says of itself.
        const hostname = "h".repeat(1_000_000)
        let updates = 0
        while (served.master.feed.size() > 0 && updates < callsMax) {
          updates++
          const known = served.master.state.frameworks.get(framework.frameworkId)!
          const info = { ...known.info, hostname: `${hostname}${updates}` }
          yield* served.master.submit({
            event: () => ({ type: "FrameworkUpdated", frameworkId: known.id, info, suppressedRoles: [] }),
          })
        }
        expect(updates).toBeGreaterThan(10)
        expect(updates).toBeLessThan(callsMax)
      }),
    ))
})
