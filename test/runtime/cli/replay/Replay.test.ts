import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import type { OperationRequest } from "../../../../core/master/OperationRequest.ts"
import { defaultMasterSettings } from "../../../../core/master/State.ts"
import { readChanges } from "../../../../runtime/cli/replay/ChangedSettings.ts"
import { replayText, whatIfText } from "../../../../runtime/cli/replay/ReplayText.ts"
import { type ReplayReport, runReplay } from "../../../../runtime/cli/replay/RunReplay.ts"
import { acquireProcessLock } from "../../../../runtime/ProcessLock.ts"
import { launching, launchOf, statusOf } from "../../../support/MasterHarness.ts"
import { anySettings, type Chapter, play, story } from "../../../support/MasterStories.ts"
import { JournaledMaster } from "./JournaledMaster.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-replay-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newPath = () => join(folder, `${++files}.db`)

const replay = (path: string, wish: Partial<Parameters<typeof runReplay>[0]> = {}): ReplayReport =>
  runReplay({ path, from: undefined, to: undefined, changes: [], ...wish }, () => {})

const tell = (master: JournaledMaster, chapters: ReadonlyArray<Chapter>, restarts: ReadonlyArray<number>) => {
  master.begin()
  for (const [index, chapter] of chapters.entries()) {
    if (restarts.includes(index)) master.restart()
    play(master, chapter)
  }
  master.close()
}

describe("a replay", () => {
  it("of any story, restarted anywhere and trimmed, is equal from every place on, rows included (L4)", () => {
    fc.assert(
      fc.property(
        story,
        fc.nat(),
        anySettings,
        fc.array(fc.nat(150), { maxLength: 4 }),
        fc.constantFrom(40, 1_000_000),
        (chapters, seed, settings, restarts, keepEvents) => {
          const path = newPath()
          tell(new JournaledMaster(path, settings, seed, keepEvents), chapters, restarts)
          const whole = replay(path)
          expect(replayText(whole)).toMatch(/100 % equal/)
          expect(whole).toMatchObject({ isEqual: true, differingRow: null })
          const { firstSeq, lastSeq } = whole.replay
          const middle = Math.floor((firstSeq + lastSeq) / 2)
          const part = replay(path, { from: middle })
          expect(part).toMatchObject({ isEqual: true, replay: { equal: lastSeq - middle + 1 } })
          // The settings as they are make no difference.
          const { whatIf } = replay(path, { changes: ["allocator.region=null"] })
          expect(whatIf!.offers.changed).toBe(whatIf!.offers.recorded)
          expect(whatIf!.lostLaunches.calls).toBe(0)
          expect(whatIf!.waits.changed).toEqual(whatIf!.waits.recorded)
          rmSync(path)
        },
      ),
      // A failing story is told as it is: making it shorter takes minutes.
      { numRuns: 20, endOnFailure: true },
    )
  })

  it("of a live journal goes on to what its master writes meanwhile, and looks at one moment at a time", () => {
    const path = newPath()
    const master = new JournaledMaster(path, defaultMasterSettings, 1)
    const lock = acquireProcessLock(`${path}.lock`)
    master.begin()
    master.addAgent({ cpus: 4_000, mem: 8_000_000 })
    const write = (events: number) => {
      for (let count = 0; count < events; count++) master.step({ type: "TimePassed" })
    }
    write(3_000)
    const before = replay(path).replay.lastSeq
    let breaths = 0
    const whole = runReplay(
      { path, from: undefined, to: undefined, changes: [] },
      () => {},
      () => {
        breaths++
        write(500)
      },
    )
    expect(breaths).toBeGreaterThan(0)
    expect(whole).toMatchObject({ isEqual: true, differingRow: null })
    expect(whole.replay.lastSeq).toBe(before + 500 * breaths)
    expect(whole.rows).toBeGreaterThan(1)
    if ("release" in lock) lock.release()
    master.close()
  })

  it("of a live journal whose log is trimmed behind it says so", () => {
    const path = newPath()
    const master = new JournaledMaster(path, defaultMasterSettings, 1, 3_000)
    const lock = acquireProcessLock(`${path}.lock`)
    master.begin()
    const write = (events: number) => {
      for (let count = 0; count < events; count++) master.step({ type: "TimePassed" })
    }
    write(4_000)
    let breaths = 0
    const replaying = () =>
      runReplay(
        { path, from: undefined, to: undefined, changes: [] },
        () => {},
        () => {
          if (++breaths === 1) write(8_000)
        },
      )
    expect(replaying).toThrow(/the log was trimmed behind event \d+ while it was being replayed/)
    if ("release" in lock) lock.release()
    master.close()
  })

  it("shows the first event after which today's core does something else, and what", () => {
    const path = newPath()
    const master = new JournaledMaster(path, defaultMasterSettings, 1)
    master.falsified = 3
    master.begin()
    master.addAgent({ cpus: 4_000, mem: 8_000_000 })
    master.subscribe({ name: "shop", roles: ["web"] })
    master.settle()
    master.close()
    const report = replay(path)
    expect(report).toMatchObject({ isEqual: false, replay: { equal: 2, difference: { seq: 3 } } })
    const text = replayText(report)
    expect(text).toContain("first difference at event 3")
    expect(text).toContain("actions with the digest 0123456789abcdef")
    expect(text).toContain('"type": "FrameworkSubscribed"')
    expect(text).toContain('"type": "ConfirmSubscription"')
    // What lies behind it is equal again.
    expect(replay(path, { from: 4 }).isEqual).toBe(true)
  })

  it("refuses what another version of the record would need, and names the release", () => {
    const path = newPath()
    const master = new JournaledMaster(path, defaultMasterSettings, 1, 2)
    master.facts = { recordingVersion: 99, version: "7.8.9" }
    master.begin()
    master.facts = {}
    master.restart()
    for (let times = 0; times < 3; times++) master.step({ type: "TimePassed" })
    expect(() => replay(path)).not.toThrow()
    master.facts = { recordingVersion: 99, version: "7.8.9" }
    master.restart()
    master.close()
    expect(() => replay(path)).toThrow(
      /from event 6 on, gleaner 7.8.9 has recorded in version 99, this one replays version \d+: use gleaner 7.8.9/,
    )
  })

  it("does not call equal what it has not compared: an end before the beginning of the log is refused", () => {
    const path = newPath()
    const master = new JournaledMaster(path, defaultMasterSettings, 1, 2)
    master.begin()
    for (let times = 0; times < 10; times++) master.step({ type: "TimePassed" })
    master.close()
    const { firstSeq } = replay(path).replay
    expect(firstSeq).toBeGreaterThan(1)
    expect(() => replay(path, { to: firstSeq - 1 })).toThrow(`the log begins with event ${firstSeq}`)
    expect(replay(path, { to: firstSeq })).toMatchObject({ isEqual: true, replay: { equal: 1 } })
  })

  it("says what other settings would have made of it", () => {
    const path = newPath()
    const master = new JournaledMaster(path, defaultMasterSettings, 1)
    master.begin()
    const agentId = master.addAgent({ cpus: 4_000, mem: 8_000_000 })
    const { id } = master.subscribe({ name: "shop", roles: ["web"] })
    master.settle()
    const launch = (taskId: string) => {
      const [offerId] = master.offersOf(id)
      master.step({
        type: "OffersAccepted",
        frameworkId: id,
        offerIds: [offerId!],
        operations: launching([launchOf(taskId, agentId, { cpus: 4_000, mem: 8_000_000 })]),
        refuseMs: null,
      })
      master.settle()
    }
    for (const taskId of ["t1", "t2"]) {
      launch(taskId)
      master.advance(700)
      master.step({
        type: "StatusReported",
        agentId,
        status: statusOf(agentId, id, taskId, "TASK_FINISHED"),
        latestState: "TASK_FINISHED",
      })
      master.settle()
    }
    master.close()
    const { whatIf } = replay(path, { changes: ["profile=mesos"] })
    // Mesos offers what has become free with its next tick only: the second launch had no offer by then.
    expect(whatIf).toMatchObject({
      offers: { recorded: 3 },
      waits: { recorded: { count: 2, maxMs: 0, stillWaiting: 0 } },
      lostLaunches: { calls: 1, tasks: 1, first: [{ framework: "shop", tasks: ["t2"], agentId }] },
    })
    expect(whatIf!.offers.changed).toBeLessThan(3)
    const text = whatIfText(whatIf!, ["profile=mesos"])
    expect(text).toContain("1 launch call (1 task) would have had no offer to use:")
    expect(text).toContain(`shop on ${agentId}: t2`)
  })
})

describe("other settings", () => {
  it("lose the launch of a group like that of a task", () => {
    const path = newPath()
    const master = new JournaledMaster(path, defaultMasterSettings, 1)
    master.begin()
    const whole = { cpus: 4_000, mem: 8_000_000, disk: 1_000_000 }
    const small = { cpus: 1_000, mem: 1_000_000 }
    const agentId = master.addAgent(whole)
    const { id } = master.subscribe({ name: "shop", roles: ["web"] })
    master.settle()
    const accept = (operations: ReadonlyArray<OperationRequest>) => {
      const [offerId] = master.offersOf(id)
      const offerIds = [offerId!]
      master.step({ type: "OffersAccepted", frameworkId: id, offerIds, operations, refuseMs: null })
      master.settle()
    }
    accept(launching([launchOf("t1", agentId, whole)]))
    master.advance(700)
    const status = statusOf(agentId, id, "t1", "TASK_FINISHED")
    master.step({ type: "StatusReported", agentId, status, latestState: "TASK_FINISHED" })
    master.settle()
    const resources = { cpus: 100, mem: 32_000, disk: 32_000 }
    accept([
      {
        type: "LAUNCH_GROUP",
        executor: { executorId: "e", resources, role: null, problem: null },
        tasks: ["t2", "t3"].map((taskId) => launchOf(taskId, agentId, small)),
        problem: null,
      },
    ])
    // The first one is there until its end is acknowledged.
    expect(master.state.tasks.size).toBe(3)
    master.close()
    expect(replay(path, { changes: ["profile=mesos"] }).whatIf).toMatchObject({
      lostLaunches: { calls: 1, tasks: 2, first: [{ framework: "shop", tasks: ["t2", "t3"], agentId }] },
    })
  })
})

describe("--set", () => {
  const changed = (...given: ReadonlyArray<string>) => {
    const read = readChanges(given)
    if ("message" in read) throw new Error(read.message)
    return read(defaultMasterSettings)
  }

  it("takes the master's options by name, and the core's settings by path", () => {
    expect(changed("offer-timeout=5s").offerTimeoutMs).toBe(5_000)
    expect(changed("master.offerTimeout=off").offerTimeoutMs).toBeNull()
    expect(changed("allocator.decline-backoff-max=off").allocator.backoffMsMax).toBeNull()
    expect(changed("weight=web=2", "weight=batch=3").allocator.weights).toEqual({ web: 2, batch: 3 })
    expect(changed("allocator.refuseMsDefault=7").allocator.refuseMsDefault).toBe(7)
    expect(changed("agentTimeoutMs=9").agentTimeoutMs).toBe(9)
    expect(changed("profile=mesos").allocationIntervalMs).toBe(1_000)
  })

  it("takes a default, too: the record may have been made with something else", () => {
    const read = readChanges(["offer-timeout=30s"])
    if ("message" in read) throw new Error(read.message)
    expect(read({ ...defaultMasterSettings, offerTimeoutMs: 1 }).offerTimeoutMs).toBe(30_000)
  })

  it.each([
    ["nothing", /write NAME=VALUE/],
    ["offer-timeoutt=5s", /no such setting of what is offered.*offer-timeout/],
    ["offer-timeout=never", /off, or a duration/],
    ["allocator.refuseMsDefault=soon", /takes JSON/],
    ["port=1", /no such setting/],
  ])("refuses %s", (given, text) => {
    const read = readChanges([given])
    expect("message" in read ? read.message : "taken").toMatch(text)
  })
})
