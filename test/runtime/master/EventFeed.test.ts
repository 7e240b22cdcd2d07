import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Caller } from "../../../runtime/access/Caller.ts"
import { makeEventFeed } from "../../../runtime/master/EventFeed.ts"
import { stateSeenBy } from "../../../runtime/master/operator/Sight.ts"
import { getState } from "../../../runtime/master/operator/State.ts"
import { subscriberOf } from "../../../runtime/master/operator/Subscribe.ts"
import { mirrored, mirrorStream } from "../../support/ClusterMirror.ts"
import { launching, launchOf, MasterHarness } from "../../support/MasterHarness.ts"
import { anySettings, play, story } from "../../support/MasterStories.ts"

const open = (master = new MasterHarness()) => {
  const feed = makeEventFeed()
  master.onStep = (changes) => feed.observe(master.state, changes)
  const subscribe = () => {
    const { mirror, stream } = mirrorStream()
    feed.subscribe(master.state, { stream, view: getState, show: ({ event }) => event })
    return { mirror, stream }
  }
  return { master, feed, subscribe }
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
          const { master, feed, subscribe } = open(new MasterHarness(settings))
          // What was there before this master started is known by name only until it comes back.
          const start = Math.floor(chapters.length / 3)
          for (const chapter of chapters.slice(0, start)) play(master, chapter)
          master.step({ type: "MasterStarted" })
          master.advance(1)
          const watchers = [subscribe()]
          const check = () => {
            feed.release()
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
    master.addAgent({ cpus: 1_000 })
    const late = subscribe().mirror
    master.subscribe()
    expect([early.events, late.events]).toEqual([[], []])
    feed.release()
    expect(typesOf(early)).toEqual(["SUBSCRIBED", "HEARTBEAT", "AGENT_ADDED", "FRAMEWORK_ADDED"])
    // Who came after the agent has it in the state and does not hear of it again.
    expect(typesOf(late)).toEqual(["SUBSCRIBED", "HEARTBEAT", "FRAMEWORK_ADDED"])
    expect(late.events[0]).toMatchObject({
      subscribed: {
        heartbeat_interval_seconds: 15,
        get_state: { get_agents: { agents: [{ agent_info: { id: { value: "m-S0" } } }] } },
      },
    })
    feed.release()
    expect(late.events).toHaveLength(3)
  })

  it("forgets who has left, and knows nothing of a cluster that nobody watches", () => {
    const { master, feed, subscribe } = open()
    const { mirror, stream } = subscribe()
    feed.release()
    expect(feed.size()).toBe(1)
    stream.end()
    expect(feed.size()).toBe(0)
    master.addAgent({ cpus: 1_000 })
    const other = subscribe().mirror
    master.subscribe()
    feed.release()
    expect(typesOf(mirror)).toEqual(["SUBSCRIBED", "HEARTBEAT"])
    expect(typesOf(other)).toEqual(["SUBSCRIBED", "HEARTBEAT", "FRAMEWORK_ADDED"])
  })

  it("ends the oldest stream when a thousand others watch, as Mesos does", () => {
    const { feed, subscribe } = open()
    const streams = Array.from({ length: 1_001 }, () => subscribe().stream)
    expect(feed.size()).toBe(1_000)
    expect(streams.map((stream) => stream.isOpen()).indexOf(true)).toBe(1)
    for (const stream of streams) stream.end()
  })

  it("tells a subscriber only what it may see", () => {
    const { master, feed } = open()
    const { mirror, stream } = mirrorStream()
    feed.subscribe(master.state, {
      stream,
      view: getState,
      show: ({ framework, event }) => (framework?.info.name === "secret" ? undefined : event),
    })
    master.subscribe({ name: "secret" })
    master.subscribe({ name: "open" })
    feed.release()
    expect(mirror.view().frameworks).toHaveLength(1)
    expect(JSON.stringify(mirror.events)).not.toContain("secret")
    stream.end()
  })

  it("tells a principal just what GET_STATE would tell it", () => {
    const { master, feed } = open()
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
    feed.subscribe(master.state, subscriberOf(caller, stream))
    launch("alice", "web", "second")
    launch("bob", "secret", "third")
    feed.release()
    const expected = mirrored(getState(stateSeenBy(caller, master.state)))
    expect(mirror.view()).toEqual(expected)
    expect([expected.frameworks.length, expected.tasks.length, expected.agents.length]).toEqual([2, 2, 1])
    expect(JSON.stringify(mirror.events)).not.toMatch(/bob|secret/)
    stream.end()
  })
})
