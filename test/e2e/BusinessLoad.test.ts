import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { pidsIn } from "../support/CgroupLeftovers.ts"
import { eventually, missingForEnforcement, processesOf } from "../support/Gleaner.ts"
import { type BusinessLoad, startBusinessLoad } from "../support/load/BusinessLoad.ts"
import { fastPolicy, LentHost } from "../support/load/LentHost.ts"
import { type V1Event, V1Framework } from "../support/V1Framework.ts"

// What the host's business needs is taken from what is lent, and comes back when the business is done.

/** The ceiling rises by a tenth of the host a second, after a raise that proved wrong only a minute later. */
const testMsMax = 300_000

const cpusOf = (offer: V1Event): number =>
  offer.resources.find((resource: { name: string }) => resource.name === "cpus")?.scalar.value ?? 0

describe.skipIf(missingForEnforcement !== undefined)("gleaner up beside a business load", () => {
  let host: LentHost | undefined
  let business: BusinessLoad | undefined
  afterEach(async () => {
    await business?.stop()
    const data = host?.cluster.data
    await host?.end()
    expect(data === undefined ? [] : processesOf(data)).toEqual([])
    business = undefined
    host = undefined
  })

  it(
    "lends less while it runs, throttles what is borrowed without ending it, and lends again afterwards",
    async () => {
      const lent = await LentHost.start(fastPolicy)
      host = lent
      const { cluster } = lent
      const borrower = new V1Framework(cluster.url, cluster.secret)
      await borrower.subscribe()
      const offer = (await borrower.next("OFFERS")).offers.offers[0]
      const busy = { id: "busy", cpus: 0.2, command: { value: "while :; do :; done" } }
      await borrower.launch(offer, busy, 3_600)
      const running = await borrower.status("busy", "TASK_RUNNING")
      const cgroup = `/sys/fs/cgroup/cpu/${cluster.cgroupParent}/${running.container_status.container_id.value}`
      const pids = pidsIn(cgroup)
      const ownThrottled = () => readThrottled(cgroup) + readThrottled(join(cgroup, ".."))
      const watcher = new V1Framework(cluster.url, cluster.secret)
      await watcher.subscribe({ name: "watcher", roles: ["watchers"] })
      const offered = watchOffers(watcher)

      // Others may use this machine, too: wait until some of it is free.
      const before = await eventually(async () => {
        const { capacity, ceiling, reserve, lendable } = await lent.view()
        if (capacity === null || reserve === null || ceiling.cpuMilli === null) return undefined
        if (lendable.cpuMilli < capacity.cpuMilli / 4 || offered.length === 0) return undefined
        const offeredCpus = offered[offered.length - 1]!
        return {
          quotaMicros: lent.ceilingQuotaMicros(),
          reserveMilli: reserve.cpuMilli,
          lendableMilli: lendable.cpuMilli,
          offeredCpus,
        }
      })
      expect(before.quotaMicros).toBeGreaterThan(0)
      const halfMilli = before.lendableMilli / 2
      const reservedBefore = await lent.reservedCpus()

      business = startBusinessLoad(1)
      const under = await eventually(async () => {
        const { reserve } = await lent.view()
        const isShrunk =
          reserve !== null &&
          reserve.cpuMilli > before.reserveMilli + halfMilli &&
          lent.ceilingQuotaMicros() < before.quotaMicros * 0.75 &&
          (await lent.reservedCpus()) > reservedBefore + halfMilli / 1_000
        return isShrunk ? { quotaMicros: lent.ceilingQuotaMicros(), throttled: ownThrottled() } : undefined
      })
      expect(under.quotaMicros).toBeGreaterThan(0)
      const offersUnderLoad = offered.length
      await eventually(() => (ownThrottled() > under.throttled + 10 ? true : undefined))
      // What was refused comes back to the watcher after a second; now it is less, or nothing.
      for (const cpus of offered.slice(offersUnderLoad)) expect(cpus).toBeLessThan(before.offeredCpus)
      expect(pidsIn(cgroup)).toEqual(pids)

      await business.stop()
      business = undefined
      await eventually(async () => {
        const { reserve } = await lent.view()
        const isBack =
          reserve !== null &&
          reserve.cpuMilli < before.reserveMilli + halfMilli &&
          lent.ceilingQuotaMicros() > before.quotaMicros * 0.75
        return isBack ? true : undefined
      })
      const offersAfter = offered.length
      await eventually(() =>
        offered.slice(offersAfter).some((cpus) => cpus > before.offeredCpus * 0.75) ? true : undefined,
      )
      expect(pidsIn(cgroup)).toEqual(pids)
      const told = borrower.events
        .filter(({ type }) => type === "UPDATE")
        .map(({ update }) => update.status.state)
      expect(new Set(told)).toEqual(new Set(["TASK_STARTING", "TASK_RUNNING"]))
      borrower.close()
      watcher.close()
    },
    testMsMax,
  )
})

const readThrottled = (cgroup: string): number =>
  Number(/nr_throttled (\d+)/.exec(readFileSync(join(cgroup, "cpu.stat"), "utf8"))![1])

/** Declines whatever comes; the cpus of each offer, in order. */
const watchOffers = (framework: V1Framework): ReadonlyArray<number> => {
  const seen: Array<number> = []
  const watch = async () => {
    for (;;) {
      const { offers } = await framework.next("OFFERS")
      for (const offer of offers.offers) {
        seen.push(cpusOf(offer))
        const declined = { offer_ids: [offer.id], filters: { refuse_seconds: 0 } }
        await framework.call({ type: "DECLINE", decline: declined })
      }
    }
  }
  watch().catch(() => undefined) // the master has gone
  return seen
}
