import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { eventually, missingForEnforcement } from "../support/Gleaner.ts"
import { Host } from "../support/kills/Host.ts"
import { type V1Event, V1Framework } from "../support/V1Framework.ts"

// What a framework reserves and writes to a volume is there until it gives it back, whoever dies in between (laws L1, L6).

const info = { failover_timeout: 600, checkpoint: true, user: "nobody" }
const reservations = [{ type: "DYNAMIC", role: "web", labels: { labels: [{ key: "app", value: "db" }] } }]
const scalar = (name: string, value: number, more: object = {}) => ({
  name,
  type: "SCALAR",
  scalar: { value },
  ...more,
})
const cpus = scalar("cpus", 0.1, { reservations })
const mem = scalar("mem", 32, { reservations })
const disk = scalar("disk", 16, { reservations })
const volume = {
  ...disk,
  disk: { persistence: { id: "v1" }, volume: { container_path: "store/data", mode: "RW" } },
}
const ports = { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_005, end: 31_006 }] } }

const task = (offer: V1Event, id: string, value: string) => ({
  type: "LAUNCH",
  launch: {
    task_infos: [
      {
        name: id,
        task_id: { value: id },
        agent_id: offer.agent_id,
        resources: [cpus, mem, volume, ports],
        command: { value },
      },
    ],
  },
})

describe.skipIf(missingForEnforcement !== undefined)("a persistent volume", () => {
  let host!: Host
  let framework!: V1Framework
  afterEach(async () => {
    framework?.close()
    await host?.remove()
  })

  const accept = (offer: V1Event, operations: ReadonlyArray<object>) =>
    framework.call({
      type: "ACCEPT",
      accept: { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0 } },
    })

  /** The next offer that has what is looked for. Others are left: who declines is asked less and less often. */
  const offerWith = async (isFitting: (resources: ReadonlyArray<V1Event>) => boolean): Promise<V1Event> => {
    for (;;) {
      const { offers } = await framework.next("OFFERS")
      const fitting = (offers.offers as ReadonlyArray<V1Event>).find(({ resources }) => isFitting(resources))
      if (fitting !== undefined) return fitting
    }
  }
  const hasVolume = (resources: ReadonlyArray<V1Event>) =>
    resources.some(({ disk: info }) => info?.persistence?.id === "v1")

  const finished = async (operationId: string) => {
    const { update_operation_status: update } = await framework.next(
      "UPDATE_OPERATION_STATUS",
      (event) => event.update_operation_status.status.operation_id.value === operationId,
    )
    expect(update.status).toMatchObject({ state: "OPERATION_FINISHED", uuid: { value: expect.any(String) } })
    const { status } = await framework.call({
      type: "ACKNOWLEDGE_OPERATION_STATUS",
      acknowledge_operation_status: {
        operation_id: { value: operationId },
        agent_id: update.status.agent_id,
        uuid: update.status.uuid.value,
      },
    })
    expect(status).toBe(202)
  }

  const killAll = async () => {
    for (const daemon of [host.agent, host.master]) {
      const { lives } = daemon
      expect(daemon.kill()).toBe(true)
      await eventually(() => (daemon.lives > lives && daemon.pid !== undefined ? true : undefined))
    }
    await host.connected()
    const { frameworkId } = framework
    framework = new V1Framework(host.url, host.secret)
    await framework.subscribe(info, frameworkId)
    await framework.next("SUBSCRIBED")
  }

  it("keeps what a task wrote over kill -9 of agent and master, until it is destroyed", async () => {
    host = await Host.start({ isMonitored: false })
    await host.connected()
    framework = new V1Framework(host.url, host.secret)
    await framework.subscribe(info)
    const folder = join(host.data, "agent/volumes/roles/web/v1")

    const first = await offerWith((resources) => resources.some(({ name }) => name === "ports"))
    await accept(first, [
      { type: "RESERVE", id: { value: "r" }, reserve: { resources: [cpus, mem, disk] } },
      { type: "CREATE", id: { value: "c" }, create: { volumes: [volume] } },
      task(first, "writer", "echo kept > store/data/file; id -un >> store/data/file"),
    ])
    await finished("r")
    await finished("c")
    await framework.status("writer", "TASK_FINISHED")
    expect(statSync(folder).isDirectory()).toBe(true)

    await killAll()
    const second = await offerWith(hasVolume)
    const reader = "grep -qx kept store/data/file && grep -qx nobody store/data/file && exit 7"
    await accept(second, [task(second, "reader", reader)])
    expect((await framework.status("reader", "TASK_FAILED")).message).toBe("Command exited with status 7")

    const third = await offerWith(hasVolume)
    await accept(third, [
      { type: "DESTROY", id: { value: "d" }, destroy: { volumes: [volume] } },
      { type: "UNRESERVE", id: { value: "u" }, unreserve: { resources: [cpus, mem, disk] } },
    ])
    await finished("d")
    await finished("u")
    expect(existsSync(folder)).toBe(false)
    await eventually(() => readdirSync(join(host.data, "agent/volumes/removed")).length === 0 || undefined)

    await killAll()
    const last = await offerWith((resources) => resources.some(({ name }) => name === "cpus"))
    expect(last.resources.some((resource: V1Event) => resource.reservations !== undefined)).toBe(false)
    await framework.call({ type: "TEARDOWN" })
    expect(await host.end()).toEqual([])
  })
})
