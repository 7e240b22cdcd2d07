import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { pidsIn } from "../support/CgroupLeftovers.ts"
import { fittingOffer, offeredAmount } from "../support/FittingOffer.ts"
import { missingForEnforcement, pause, processesOf } from "../support/Gleaner.ts"
import { type BusinessLoad, startBusinessLoad } from "../support/load/BusinessLoad.ts"
import { fastPolicy, LentHost } from "../support/load/LentHost.ts"
import { V1Framework } from "../support/V1Framework.ts"

// What the host's business needs is taken from what is lent, and comes back when the business is done.

/** The ceiling rises by a tenth of the host a second, after a raise that proved wrong only a minute later. */
const stepMsMax = 90_000
/** Others may use this machine, too: until some of it is free for a while. */
const quietMsMax = 300_000
const testMsMax = 700_000

/** Of the borrowed task. */
const busyCpus = 0.1

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
      const offer = await fittingOffer(borrower, busyCpus)
      const busy = { id: "busy", cpus: busyCpus, command: { value: "while :; do :; done" } }
      await borrower.launch(offer, busy, 3_600)
      const running = await borrower.status("busy", "TASK_RUNNING")
      const cgroup = `/sys/fs/cgroup/cpu/${cluster.cgroupParent}/${running.container_status.container_id.value}`
      const pids = pidsIn(cgroup)
      const throttled = () => readThrottled(cgroup) + readThrottled(join(cgroup, ".."))
      const watcher = new V1Framework(cluster.url, cluster.secret)
      await watcher.subscribe({ name: "watcher", roles: ["watchers"] })
      const offered = watchOffers(watcher)

      // Some of the machine is free, and lent and offered as it is.
      const lends = async () => {
        const { capacity, reserve, lendable } = await lent.view()
        const [quotaMicros, offeredCpus] = [lent.ceilingQuotaMicros(), offered[offered.length - 1] ?? 0]
        if (capacity === null || reserve === null) return undefined
        const isFree = lendable.cpuMilli >= capacity.cpuMilli / 4
        const isLent = quotaMicros >= lendable.cpuMilli * 50
        const isOffered = offeredCpus * 1_000 >= (lendable.cpuMilli - busyCpus * 1_000) / 2
        if (!isFree || !isLent || !isOffered) return undefined
        return { quotaMicros, reserveMilli: reserve.cpuMilli, lendableMilli: lendable.cpuMilli, offeredCpus }
      }
      const before = await reaches(lent, "a host that lends", lends, quietMsMax)
      const halfMilli = before.lendableMilli / 2
      const reservedBefore = await lent.reservedCpus()

      business = startBusinessLoad(1)
      const under = await reaches(lent, "less to lend", async () => {
        const { reserve } = await lent.view()
        const isShrunk =
          reserve !== null &&
          reserve.cpuMilli > before.reserveMilli + halfMilli &&
          lent.ceilingQuotaMicros() < before.quotaMicros / 2 &&
          (await lent.reservedCpus()) > reservedBefore + halfMilli / 1_000
        return isShrunk ? { quotaMicros: lent.ceilingQuotaMicros(), throttled: throttled() } : undefined
      })
      expect(under.quotaMicros).toBeGreaterThan(0)
      const offersUnderLoad = offered.length
      await reaches(lent, "throttling", () => throttled() > under.throttled + 10 || undefined)
      // What was refused comes back to the watcher after a second; now it is less, or nothing.
      for (const cpus of offered.slice(offersUnderLoad)) expect(cpus).toBeLessThan(before.offeredCpus)
      expect(pidsIn(cgroup)).toEqual(pids)

      await business.stop()
      business = undefined
      await reaches(lent, "as much to lend again", async () => {
        const { reserve } = await lent.view()
        const isBack = reserve !== null && reserve.cpuMilli < before.reserveMilli + halfMilli
        return (isBack && lent.ceilingQuotaMicros() > before.quotaMicros / 2) || undefined
      })
      const offersAfter = offered.length
      await reaches(
        lent,
        "offers again",
        () => offered.slice(offersAfter).some((cpus) => cpus > before.offeredCpus / 2) || undefined,
      )
      expect(pidsIn(cgroup)).toEqual(pids)
      const told = borrower.events.flatMap(({ type, update }) =>
        type === "UPDATE" ? [update.status.state] : [],
      )
      expect(new Set(told)).toEqual(new Set(["TASK_STARTING", "TASK_RUNNING"]))
      borrower.close()
      watcher.close()
    },
    testMsMax,
  )
})

/** Looks until the value is there; a step that takes too long is named, with what the host says of itself. */
const reaches = async <A>(
  host: LentHost,
  what: string,
  look: () => A | undefined | Promise<A | undefined>,
  msMax = stepMsMax,
): Promise<A> => {
  const endMs = performance.now() + msMax
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > endMs) {
      const view = JSON.stringify(await host.view())
      throw new Error(`no ${what}; the ceiling is ${host.ceilingQuotaMicros()} µs, the host says ${view}`)
    }
    await pause(50)
  }
}

const readThrottled = (cgroup: string): number =>
  Number(/nr_throttled (\d+)/.exec(readFileSync(join(cgroup, "cpu.stat"), "utf8"))![1])

/** Declines whatever comes; the cpus of each offer, in order. */
const watchOffers = (framework: V1Framework): ReadonlyArray<number> => {
  const seen: Array<number> = []
  const watch = async () => {
    for (;;) {
      const { offers } = await framework.next("OFFERS")
      for (const offer of offers.offers) {
        seen.push(offeredAmount(offer, "cpus"))
        const declined = { offer_ids: [offer.id], filters: { refuse_seconds: 0 } }
        await framework.call({ type: "DECLINE", decline: declined })
      }
    }
  }
  watch().catch(() => undefined) // the master has gone
  return seen
}
