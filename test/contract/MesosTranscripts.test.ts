import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { findCgroups, sweepCgroups, whyNoRealCgroups } from "../support/CgroupLeftovers.ts"
import { agentCgroups, replayAgent } from "../support/transcripts/AgentReplay.ts"
import { type AgentScene, agentScenes, agentStepsOf } from "../support/transcripts/AgentScenes.ts"
import { notReplayed, reasons } from "../support/transcripts/Differences.ts"
import { ownPort, ownTranscripts } from "../support/transcripts/Own.ts"
import { replayRaw } from "../support/transcripts/RawReplay.ts"
import { type Outcome, replay, withSetUp } from "../support/transcripts/Replay.ts"
import { mainSetUp, type Scenario, scenarios, stepsOf } from "../support/transcripts/Scenarios.ts"
import { mastersIn } from "../support/transcripts/SchedulerStream.ts"
import { areTranscriptsThere, readTranscripts, transcriptsFolder } from "../support/transcripts/Transcript.ts"
import { fits, judge, reasonsAbout } from "../support/transcripts/Verdict.ts"

// What Apache Mesos answered, against what gleaner answers to the same requests: a whole master in this process under the
// profile `mesos`, with agents that say what the recorded ones said, and whole agents with real tasks for what was asked of agents.
// The normalisations stand in Comparison.ts, what differs
// and why in Differences.ts.

/** Agents are asked what real tasks use. */
const whyNoAgents = whyNoRealCgroups()

if (!areTranscriptsThere) console.warn(`skipped: no recordings of Apache Mesos in ${transcriptsFolder}`)

const transcripts = readTranscripts()
const played = new Map<string, Promise<ReadonlyArray<Outcome>>>()

const once = (name: string, play: () => Promise<ReadonlyArray<Outcome>>) => {
  const outcomes = played.get(name) ?? play()
  played.set(name, outcomes)
  return outcomes
}

/** All at the same time: most of a scenario is waiting. Then those with real tasks, which would take the others' time from them. */
const playAll = async () => {
  const outcomes = await Promise.all([...scenarios.map(play), playBytes()])
  const scenes = whyNoAgents === undefined ? agentScenes : []
  return [...outcomes, ...(await Promise.all(scenes.map(playAgent)))]
}

const playAgent = (scene: AgentScene) => once(scene.name, () => replayAgent(scene, transcripts))

const play = (scenario: Scenario) =>
  once(scenario.name, () => replay(scenario.setUp, stepsOf(scenario, transcripts.values()), scenario))

/** Each on a master of its own: what is on a connection must not depend on who else is there. */
const playBytes = () =>
  once("bytes", async () => {
    const outcomes: Array<Outcome> = []
    for (const { name, log } of transcripts.values()) {
      if (log === undefined) continue
      const masters = mastersIn(JSON.stringify(log))
      const differences = await withSetUp(mainSetUp, (url, agents, masterId) => {
        const known = masters.flatMap((recorded) => [
          [recorded, masterId] as const,
          [`${recorded}-S0`, agents[0]!.agentId] as const,
        ])
        return replayRaw(url, log, known)
      })
      outcomes.push({ name, differences })
    }
    return outcomes
  })

/** Why an exchange is not played again; the empty text when nobody has said. */
const whyLeft = (name: string): string => {
  const said = notReplayed.find(({ exchanges }) => fits(exchanges, name))?.reason
  if (said !== undefined || whyNoAgents === undefined) return said ?? ""
  const isOfAgent = agentScenes.some((scene) =>
    agentStepsOf(scene, transcripts.values()).some(({ transcript }) => transcript.name === name),
  )
  return isOfAgent ? `real tasks cannot run here: ${whyNoAgents}` : ""
}

describe.skipIf(!areTranscriptsThere)("what Apache Mesos answered", { timeout: 120_000 }, () => {
  // What goes wrong is told by the test of its scenario.
  beforeAll(() => playAll().catch(() => {}), 120_000)

  afterAll(() => {
    if (whyNoAgents !== undefined) return
    sweepCgroups(agentCgroups)
    expect(findCgroups(agentCgroups)).toEqual([])
  })

  it.each(scenarios)("is asked again, call by call: $name", async (scenario) => {
    const steps = stepsOf(scenario, transcripts.values())
    const names = (await play(scenario)).map(({ name }) => name)
    expect(names.sort()).toEqual(steps.map(({ transcript }) => transcript.name).sort())
  })

  it.each(whyNoAgents === undefined ? agentScenes : [])(
    "is asked again of an agent with real tasks: $name",
    async (scene) => {
      const steps = agentStepsOf(scene, transcripts.values())
      const names = (await playAgent(scene)).map(({ name }) => name)
      expect(steps.length).toBeGreaterThan(0)
      expect(names.sort()).toEqual(steps.map(({ transcript }) => transcript.name).sort())
    },
  )

  it("is asked again, byte by byte", async () => {
    expect(await playBytes()).toHaveLength(10)
  })

  it("is answered by gleaner alike, or there is a reason, and no reason is out of date", async () => {
    const outcomes = (await playAll()).flat()
    const names = new Set(outcomes.map(({ name }) => name))
    const left = [...transcripts.keys()].filter((name) => !names.has(name))
    const unplayed = left.map((name) => ({ name, reason: whyLeft(name) }))
    const { problems, table } = judge(outcomes, reasonsAbout(reasons, names, whyNoAgents), unplayed)
    console.info(table)
    const forgotten = unplayed.filter(({ reason }) => reason === "").map(({ name }) => name)
    expect(forgotten, "neither replayed nor in the list of what cannot be").toEqual([])
    expect(problems.join("\n\n")).toBe("")
  })
})

describe("what the specification says", () => {
  it("is what gleaner answers to exchanges of our own", async () => {
    const steps = ownTranscripts.map((transcript) => ({ atS: transcript.at_s!, transcript }))
    const outcomes = await replay({ port: ownPort, agents: [], password: null }, steps)
    expect(outcomes).toHaveLength(ownTranscripts.length)
    expect(judge(outcomes, []).problems.join("\n\n")).toBe("")
  })
})
