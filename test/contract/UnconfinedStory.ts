import { spawn } from "node:child_process"
import { Effect } from "effect"
import { Cgroups } from "../../runtime/cgroups/Cgroups.ts"
import * as Unconfined from "../../runtime/cgroups/Unconfined.ts"

// A process of its own, so that it can run as another user and on another Node: folder → one JSON line.

const folder = process.argv[2]!
const asAgent = <A, E>(body: (cgroups: Cgroups["Type"]) => Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Effect.flatMap(Cgroups, body).pipe(Effect.provide(Unconfined.layer({ folder }))))

const id = "story"

const tell = async () => {
  await asAgent((cgroups) =>
    Effect.zipRight(
      cgroups.ensureParent({ cpuQuotaMicros: "unlimited", memBytes: "unlimited" }),
      cgroups.create(id, { cpuMilli: 100, memBytes: 1_048_576 }),
    ),
  )
  const child = spawn("/bin/sh", ["-c", "sleep 600 & (setsid sleep 600 &); wait"], {
    stdio: "ignore",
    detached: true,
    env: { PATH: process.env.PATH, MESOS_CONTAINER_ID: id },
  })
  child.unref()
  return asAgent((cgroups) =>
    Effect.gen(function* () {
      const listedByTheNextAgent = yield* cgroups.list
      const members = yield* Effect.repeat(cgroups.members(id), { until: (pids) => pids.length >= 3 })
      yield* cgroups.freeze(id)
      const wasFrozen = (yield* cgroups.freezerState(id)) === "FROZEN"
      yield* cgroups.destroy(id)
      const left = yield* cgroups.members(id)
      const listedAtTheEnd = yield* cgroups.list
      yield* cgroups.removeParent
      return {
        uid: process.getuid!(),
        listedByTheNextAgent,
        hasMembers: members.includes(child.pid!),
        wasFrozen,
        left,
        listedAtTheEnd,
      }
    }),
  )
}

tell().then(
  (told) => process.stdout.write(`${JSON.stringify(told)}\n`),
  (error: unknown) => {
    process.stderr.write(`${error}\n`)
    process.exitCode = 1
  },
)
