import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Caller } from "../../../runtime/access/Caller.ts"
import {
  type EventFeedOptions,
  type EventSubscriber,
  makeEventFeed,
} from "../../../runtime/master/EventFeed.ts"
import { stateSeenBy } from "../../../runtime/master/operator/Sight.ts"
import { getState } from "../../../runtime/master/operator/State.ts"
import { subscriberOf } from "../../../runtime/master/operator/Subscribe.ts"
import { mirrored, mirrorStream } from "../../support/ClusterMirror.ts"
import { launching, launchOf, MasterHarness } from "../../support/MasterHarness.ts"
import { anySettings, play, story } from "../../support/MasterStories.ts"

const open = (master = new MasterHarness(), options: Partial<EventFeedOptions> = {}) => {
  const defects: Array<unknown> = []
  const feed = makeEventFeed({ onDefect: (defect) => defects.push(defect), ...options })
  master.onStep = (changes) => feed.observe(master.state, changes)
  /** In a batch of its own, unless more follows before the next release. */
  const subscribe = (subscriber: Partial<EventSubscriber> = {}) => {
    const { mirror, stream } = mirrorStream()
    feed.subscribe({ stream, sight: "all", view: getState, show: ({ event }) => event, ...subscriber })
    return { mirror, stream }
  }
  const release = () => feed.seal(master.state)()
  return { master, feed, subscribe, release, defects }
}

const typesOf = ({ events }: ReturnType<typeof mirrorStream>["mirror"]) => events.map(({ type }) => type)

describe("the feed of the cluster's events", () => {
  it("tells, over any life of a cluster, exactly what GET_STATE comes to say", () => {
    const told = new Map<string, number>()
    fc.assert(
      fc.property(
        fc.array(fc.record({ isJoining: fc.boolean(), isReleased: fc.boolean() }), { minLength: 1 }),
        story,
        anySettings,
        (moments, chapters, settings) => {
          const { master, subscribe, release } = open(new MasterHarness(settings))
          // What was there before this master started is known by name only until it comes back.
          const start = Math.floor(chapters.length / 3)
          for (const chapter of chapters.slice(0, start)) play(master, chapter)
          master.step({ type: "MasterStarted" })
          master.advance(1)
          const watchers = [subscribe()]
          const check = () => {
            release()
            const expected = mirrored(getState(master.state))
            for (const { mirror } of watchers) expect(mirror.view()).toEqual(expected)
          }
          chapters.slice(start).forEach((chapter, index) => {
            play(master, chapter)
            const { isJoining, isReleased } = moments[index % moments.length]!
            if (isJoining && watchers.length < 5) watchers.push(subscribe())
            if (isReleased) check()
          })
          check()
          for (const { mirror, stream } of watchers) {
            for (const type of typesOf(mirror)) told.set(type, (told.get(type) ?? 0) + 1)
            stream.end()
          }
        },
      ),
      { numRuns: 30 },
    )
    for (const type of ["AGENT_ADDED", "AGENT_REMOVED", "FRAMEWORK_ADDED", "FRAMEWORK_UPDATED"])
      expect(told.get(type) ?? 0, type).toBeGreaterThan(10)
    for (const type of ["FRAMEWORK_REMOVED", "TASK_ADDED", "TASK_UPDATED"])
      expect(told.get(type) ?? 0, type).toBeGreaterThan(10)
  })

  it("holds everything back until it is durable, the state included, and then keeps the order", () => {
    const { master, feed, subscribe } = open()
    const early = subscribe().mirror
    const first = feed.seal(master.state)
    master.addAgent({ cpus: 1_000 })
    const late = subscribe().mirror
    const second = feed.seal(master.state)
    master.subscribe()
    const third = feed.seal(master.state)
    expect([early.events, late.events]).toEqual([[], []])
    first()
    expect([typesOf(early), typesOf(late)]).toEqual([["SUBSCRIBED", "HEARTBEAT"], []])
    second()
    third()
    expect(typesOf(early)).toEqual(["SUBSCRIBED", "HEARTBEAT", "AGENT_ADDED", "FRAMEWORK_ADDED"])
    // Who came after the agent has it in the state and does not hear of it again.
    expect(typesOf(late)).toEqual(["SUBSCRIBED", "HEARTBEAT", "FRAMEWORK_ADDED"])
    expect(late.events[0]).toMatchObject({
      subscribed: {
        heartbeat_interval_seconds: 15,
        get_state: { get_agents: { agents: [{ agent_info: { id: { value: "m-S0" } } }] } },
      },
    })
    feed.seal(master.state)()
    expect(late.events).toHaveLength(3)
  })

  it("forgets who has left, and knows nothing of a cluster that nobody watches", () => {
    const { master, feed, subscribe, release } = open()
    const { mirror, stream } = subscribe()
    release()
    expect(feed.size()).toBe(1)
    stream.end()
    expect(feed.size()).toBe(0)
    master.addAgent({ cpus: 1_000 })
    const other = subscribe().mirror
    release()
    master.subscribe()
    release()
    expect(typesOf(mirror)).toEqual(["SUBSCRIBED", "HEARTBEAT"])
    expect(typesOf(other)).toEqual(["SUBSCRIBED", "HEARTBEAT", "FRAMEWORK_ADDED"])
  })

  it("ends the oldest stream when a thousand others watch, as Mesos does", () => {
    const { feed, subscribe, release } = open()
    const streams = Array.from({ length: 1_001 }, () => subscribe().stream)
    release()
    expect(feed.size()).toBe(1_000)
    expect(streams.map((stream) => stream.isOpen()).indexOf(true)).toBe(1)
    for (const stream of streams) stream.end()
  })

  it("tells a subscriber only what it may see", () => {
    const { master, subscribe, release } = open()
    const { mirror, stream } = subscribe({
      show: ({ framework, event }) => (framework?.info.name === "secret" ? undefined : event),
    })
    release()
    master.subscribe({ name: "secret" })
    master.subscribe({ name: "open" })
    release()
    expect(mirror.view().frameworks).toHaveLength(1)
    expect(JSON.stringify(mirror.events)).not.toContain("secret")
    stream.end()
  })

  it("tells a principal just what GET_STATE would tell it", () => {
    const { master, feed, release } = open()
    const caller: Caller = {
      principal: "p",
      isAdministrator: false,
      isAllowed: (action, object) => (action === "view_roles" ? object !== "secret" : object === "alice"),
    }
    const { mirror, stream } = mirrorStream()
    // What one leaves of the agent the next is offered.
    const launch = (user: string, role: string, taskId: string) => {
      const { id } = master.subscribe({ user, roles: [role] })
      master.settle()
      const [offerId] = master.offersOf(id)
      const { agentId } = master.state.offers.get(offerId!)!
      master.step({
        ...{ type: "OffersAccepted", frameworkId: id, offerIds: [offerId!], refuseMs: null },
        operations: launching([launchOf(taskId, agentId, { cpus: 100 })]),
      })
    }
    master.addAgent({ cpus: 1_000 })
    launch("alice", "web", "first")
    feed.subscribe(subscriberOf(caller, stream))
    release()
    launch("alice", "web", "second")
    launch("bob", "secret", "third")
    release()
    const expected = mirrored(getState(stateSeenBy(caller, master.state)))
    expect(mirror.view()).toEqual(expected)
    expect([expected.frameworks.length, expected.tasks.length, expected.agents.length]).toEqual([2, 2, 1])
    expect(JSON.stringify(mirror.events)).not.toMatch(/bob|secret/)
    stream.end()
  })

  it("makes the state once for all of one sight that come together, and for each of another", () => {
    const { master, feed, subscribe, release } = open()
    let views = 0
    const view: EventSubscriber["view"] = (state) => {
      views++
      return getState(state)
    }
    const records = new Set<unknown>()
    const join = (sight: string | null) => {
      const { stream, mirror } = mirrorStream()
      const sendEncoded: typeof stream.sendEncoded = (record) => {
        if (typeof record !== "string") records.add(record)
        return stream.sendEncoded(record)
      }
      subscribe({ stream: { ...stream, sendEncoded }, sight, view })
      return mirror
    }
    const mirrors = Array.from({ length: 100 }, (_, index) => {
      master.addAgent({ cpus: 1_000 }, `a${index}`)
      return join(index % 2 === 0 ? "even" : "odd")
    })
    release()
    expect([views, records.size, feed.size()]).toEqual([2, 2, 100])
    for (const mirror of mirrors) expect(mirror.view().agents).toHaveLength(100)
    for (const sight of ["even", null, null]) join(sight)
    release()
    expect([views, records.size]).toEqual([5, 5])
  })

  it("turns away who comes while too many states wait for slow clients, until these have taken them", () => {
    const { feed, subscribe, release } = open(new MasterHarness(), { openingBytesMax: 100 })
    const slow = mirrorStream().stream
    let waitingBytes = 0
    const joinSlowly = () => {
      waitingBytes = 10_000
      subscribe({ stream: { ...slow, waitingBytes: () => waitingBytes } })
    }
    joinSlowly()
    // Of the same batch and sight: there is nothing more to keep.
    const same = subscribe().stream
    const other = subscribe({ sight: "other" }).stream
    expect([same.isOpen(), other.isOpen()]).toEqual([true, true])
    release()
    expect([same.isOpen(), other.isOpen(), feed.size()]).toEqual([true, false, 2])
    const later = subscribe().stream
    release()
    expect(later.isOpen()).toBe(false)
    waitingBytes = 0
    const last = subscribe().stream
    release()
    expect(last.isOpen()).toBe(true)
  })

  it("ends the stream of whom it cannot tell, and tells the others", () => {
    const { master, subscribe, release, defects } = open()
    const fail = () => {
      throw new Error("no")
    }
    const [blind, deaf, well] = [
      subscribe({ sight: null, view: fail }),
      subscribe({ show: fail }),
      subscribe(),
    ]
    release()
    master.addAgent({ cpus: 1_000 })
    release()
    expect([blind, deaf, well].map(({ stream }) => stream.isOpen())).toEqual([false, false, true])
    expect(typesOf(well.mirror)).toEqual(["SUBSCRIBED", "HEARTBEAT", "AGENT_ADDED"])
    expect(defects).toHaveLength(2)
  })
})
