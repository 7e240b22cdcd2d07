import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import { mesosAllocatorSettings } from "../../../core/allocation/Settings.ts"
import { mesosMasterSettings } from "../../../core/master/State.ts"
import { type PlainResources, resourcesToPlain } from "../../../core/resources/PlainForm.ts"
import { parseResources } from "../../../core/resources/ResourceText.ts"
import { everybodyIsAdministrator } from "../../../runtime/access/Authentication.ts"
import type { FakeAgent } from "../FakeAgent.ts"
import { pause } from "../Gleaner.ts"
import { run, secret, serveMaster } from "../MasterFixture.ts"
import { authenticateAsRecorded } from "./AuthSetUp.ts"
import { compareReply, type Difference } from "./Comparison.ts"
import { ask } from "./Connection.ts"
import { Ids, idsIn } from "./Ids.ts"
import { Reenactment, toScript } from "./Reenactment.ts"
import type { Scenario, SetUp, Step } from "./Scenarios.ts"
import { mastersIn, SchedulerStream } from "./SchedulerStream.ts"
import { bodyText, headerOf, type Json, type Request, type Response, type Transcript } from "./Transcript.ts"
import { toTranscript, type UnrecordedCall } from "./Unrecorded.ts"

/** What came of an exchange; without differences it matches. */
export interface Outcome {
  readonly name: string
  readonly differences: ReadonlyArray<Difference>
}

/** What Mesos does each second we do this often, so that the waiting is shorter; refusals last at least as long. */
const allocationIntervalMs = 50

/** Offers come back after the longest filter that is waited for, five seconds, and an interval. */
const offerWaitMs = 6_500

export const masterSettings = {
  ...mesosMasterSettings,
  allocationIntervalMs,
  // Two pings of a second in the set-up with agents that die.
  agentTimeoutMs: 2_000,
  allocator: { ...mesosAllocatorSettings, refuseMsMin: allocationIntervalMs },
}

const callOf = ({ request }: Transcript): Json => {
  try {
    return JSON.parse(bodyText(request.body, request.headers))
  } catch {
    return undefined
  }
}

const isStream = ({ response }: Transcript): boolean =>
  typeof response === "object" && response.events !== undefined

/** Offers that a call answers. */
const offersOf = (call: Json): ReadonlyArray<string> =>
  [call?.accept ?? call?.decline]
    .flatMap((part) => part?.offer_ids ?? [])
    .map(({ value }: { value: string }) => value)

/** Tasks that a call names. */
const tasksIn = (call: Json): ReadonlyArray<string> =>
  [...JSON.stringify(call ?? {}).matchAll(/"task_id":\{"value":"([^"]*)"/g)].map(([, id]) => id!)

/** A scenario on its way, against a master that serves at `url`. */
export class Replay {
  readonly ids = new Ids()
  private readonly outcomes: Array<Outcome> = []
  private readonly streams: Array<SchedulerStream> = []
  private readonly agents: Array<Reenactment>
  private readonly calledTasks: ReadonlySet<string>
  private readonly recordedUuids: ReadonlySet<string>
  private readonly unrecorded: ReadonlyArray<{
    readonly call: UnrecordedCall
    readonly transcript: Transcript
  }>

  constructor(
    private readonly url: string,
    private readonly steps: ReadonlyArray<Step>,
    private readonly scenario: Partial<Scenario>,
    agents: ReadonlyArray<FakeAgent>,
    masterId: string,
  ) {
    const recorded = steps.map(({ transcript }) => transcript)
    this.unrecorded = (scenario.unrecorded ?? []).map((call) => {
      const stream = recorded.find(({ name }) => name === call.stream)
      if (stream === undefined) throw new Error(`no stream ${call.stream} in this scenario`)
      return { call, transcript: toTranscript(call, stream) }
    })
    const transcripts = [...recorded, ...this.unrecorded.map(({ transcript }) => transcript)]
    const calls = transcripts.map(callOf)
    const events = transcripts.filter(isStream).flatMap(({ response }) => (response as Response).events ?? [])
    this.calledTasks = new Set(calls.flatMap(tasksIn))
    const script = toScript(
      events.map(({ event }) => event),
      calls,
    )
    this.agents = agents.map((agent) => new Reenactment(url, agent, script, this.ids))
    this.recordedUuids = new Set(calls.flatMap((call) => call?.acknowledge?.uuid ?? []))
    for (const recordedMaster of mastersIn(JSON.stringify(transcripts))) {
      this.ids.bind(recordedMaster, masterId)
      for (const [index, { agentId }] of agents.entries())
        this.ids.bind(`${recordedMaster}-S${index}`, agentId)
    }
  }

  async play(): Promise<ReadonlyArray<Outcome>> {
    const incidents = this.incidents()
    for (const { atS, transcript } of this.steps) {
      while ((incidents[0]?.atS ?? atS) < atS) await incidents.shift()!.happen()
      if (isStream(transcript)) await this.openStream(atS, transcript)
      else await this.sendCall(atS, transcript)
    }
    for (const { happen } of incidents) await happen()
    for (const stream of this.streams) {
      await stream.catchUp(Number.POSITIVE_INFINITY, this.settle)
      this.outcomes.push({ name: stream.transcript.name, differences: await stream.finish() })
      stream.close()
    }
    return this.outcomes
  }

  /** What happens besides the calls, in order. */
  private incidents(): Array<{ readonly atS: number; readonly happen: () => Promise<void> }> {
    const { closings = {}, turns = [], lulls = [] } = this.scenario
    const closed = Object.entries(closings).map(([name, atS]) => ({
      atS,
      happen: async () => {
        await this.catchUpTo(atS)
        this.streams.find(({ transcript }) => transcript.name === name)?.close()
        await pause(2 * allocationIntervalMs)
      },
    }))
    const turned = turns.map(({ atS, agent, does }) => ({
      atS,
      happen: async () => {
        await this.catchUpTo(atS)
        await (does === "dies" ? this.agents[agent]!.die() : this.agents[agent]!.comeBack())
      },
    }))
    const called = this.unrecorded.map(({ call, transcript }) => ({
      atS: call.atS,
      happen: async () => {
        const { atS, stream: name } = call
        const stream = this.streams.find((one) => one.transcript.name === name)
        if ("offered" in call && call.offered !== undefined) await this.pairOffer(call.offered, stream)
        const { status, body } = await this.speak(atS, transcript)
        if (status >= 300) throw new Error(`${transcript.name}: ${status} ${body}`)
      },
    }))
    const lulled = lulls.map(({ atS, stream: name, seconds }) => ({
      atS,
      happen: async () => {
        const stream = this.streams.find(({ transcript }) => transcript.name === name)
        // With allocations between: pieces are offered again as a whole, and then to another role.
        for (let count = 0, quiet = 0; quiet < 2 && count < 12 && stream !== undefined; count++) {
          await this.settle()
          await pause(2 * allocationIntervalMs)
          const offerIds = stream.outstandingIds()
          quiet = offerIds.length === 0 ? quiet + 1 : 0
          await this.decline(stream, offerIds, seconds)
        }
      },
    }))
    return [...closed, ...turned, ...called, ...lulled].sort((left, right) => left.atS - right.atS)
  }

  close(): void {
    for (const each of [...this.streams, ...this.agents]) each.close()
  }

  private toOurs({ method, path, headers, body }: Request): Request {
    return {
      method,
      path: this.ids.toOurs(path),
      headers: headers.map(([name, value]) => [name, this.ids.toOurs(value)]),
      body: typeof body === "string" ? this.ids.toOurs(body) : body,
    }
  }

  /** What came before an incident must have come with us, too. */
  private async catchUpTo(atS: number, marginMs = 100): Promise<void> {
    for (const stream of this.streams)
      await stream.catchUp((atS - this.beginningOf(stream)) * 1000 - marginMs, this.settle)
  }

  private async openStream(atS: number, transcript: Transcript): Promise<void> {
    if (this.scenario.beginnings !== undefined) await this.catchUpTo(atS)
    const stream = await SchedulerStream.open(this.url, transcript, this.toOurs(transcript.request), this.ids)
    this.streams.push(stream)
    const statuses = stream.items().flatMap(({ event }) => event.update?.status ?? [])
    // Tasks whose launch was not recorded.
    stream.expectNothingOf(
      statuses.map(({ task_id }) => task_id.value).filter((id) => !this.calledTasks.has(id)),
    )
    const recordedId = headerOf((transcript.response as Response).headers, "Mesos-Stream-Id")
    const ourId = headerOf(stream.headers(), "Mesos-Stream-Id")
    if (recordedId !== undefined && ourId !== undefined) this.ids.bind(recordedId, ourId)
    const isUsedLater = this.steps.some(
      (step) => recordedId !== undefined && JSON.stringify(step.transcript.request).includes(recordedId),
    )
    if (isUsedLater || this.scenario.closings?.[transcript.name] !== undefined) return
    await stream.catchUp(Number.POSITIVE_INFINITY, this.settle)
    if (transcript.name.startsWith("operator/")) return
    this.streams.splice(this.streams.indexOf(stream), 1)
    this.outcomes.push({ name: transcript.name, differences: await stream.finish() })
    stream.close()
  }

  private async sendCall(atS: number, transcript: Transcript): Promise<void> {
    const ours = await this.speak(atS, transcript)
    const differences = [...this.compared(transcript, ours), ...(await this.lifeSigns(transcript))]
    this.outcomes.push({ name: transcript.name, differences })
  }

  private async pairOffer(id: string, stream: SchedulerStream | undefined): Promise<void> {
    if (this.ids.isBound(id) || stream === undefined || idsIn(id).length === 0) return
    await stream.pairOffer(id, offerWaitMs, this.settle, (ids) => this.decline(stream, ids))
  }

  /** Makes a recorded call with our ids, once all has come that had come by then. */
  private async speak(atS: number, transcript: Transcript): Promise<Response> {
    const stream = this.streamOf(transcript)
    if (stream !== undefined) await stream.catchUp((atS - this.beginningOf(stream)) * 1000, this.settle)
    else if (this.scenario.beginnings !== undefined) await this.catchUpTo(atS, 0)
    const recordedCall = callOf(transcript)
    for (const id of offersOf(recordedCall)) await this.pairOffer(id, stream)
    const request = this.toOurs(transcript.request)
    const reply = await ask(this.url, request)
    const recorded = transcript.response
    const ours = reply ?? { status: 0, headers: [], body: "closed without a reply" }
    const ourOffers = offersOf(callOf({ ...transcript, request }))
    if (ours.status < 300) stream?.noteAnswered(ourOffers)
    else if (stream !== undefined && typeof recorded === "object" && recorded.status < 300) {
      // What follows from a call that is not taken here will not come, and the offers are to come again.
      stream.expectNothingOf(tasksIn(recordedCall))
      await this.decline(stream, ourOffers)
    }
    await this.settle()
    return ours
  }

  private compared({ response, process_alive_afterwards: isAlive }: Transcript, ours: Response) {
    // Nobody wants the answer of a master that dies of the question; that there is one is what counts.
    if (typeof response === "string" || isAlive === false) {
      return ours.status >= 200 ? [] : [{ path: "status", recorded: "Mesos died", ours: "no reply" }]
    }
    return compareReply(response, ours, this.ids)
  }

  /** After what has killed Mesos, or was tried because it might: whether our master still serves. */
  private async lifeSigns({ name }: Transcript): Promise<ReadonlyArray<Difference>> {
    if (!name.startsWith("crashes/")) return []
    const health = await ask(this.url, { method: "GET", path: "/health", headers: [], body: null })
    return health?.status === 200 ? [] : [{ path: "health", recorded: "200", ours: String(health?.status) }]
  }

  /** The open stream of the framework that speaks. */
  private streamOf({ request }: Transcript): SchedulerStream | undefined {
    const id = headerOf(request.headers, "Mesos-Stream-Id")
    return this.streams.find(
      ({ transcript }) => headerOf((transcript.response as Response).headers, "Mesos-Stream-Id") === id,
    )
  }

  /**
   * When a stream began, on its script's clock: as late as it can be, so that each offer and each status still came
   * before the call that answers it.
   */
  private beginningOf(stream: SchedulerStream): number {
    const told = this.scenario.beginnings?.[stream.transcript.name]
    if (told !== undefined) return told
    const limits = this.steps.flatMap(({ atS, transcript }) => {
      const body = bodyText(transcript.request.body, transcript.request.headers)
      return stream.items().flatMap(({ at_ms, event }) => {
        const names = [
          event.update?.status.uuid,
          ...(event.offers?.offers ?? []).map((offer: Json) => offer.id.value),
        ]
        const isAnswered = names.some((name) => name !== undefined && body.includes(`"${name}"`))
        return isAnswered ? [atS - at_ms / 1000] : []
      })
    })
    return Math.min(...limits)
  }

  /** Agents do what they were told, and what a recorded client acknowledged unrecorded is acknowledged. */
  private readonly settle = async (): Promise<void> => {
    for (const stream of this.streams) {
      if (this.scenario.silent?.includes(stream.transcript.name)) continue
      for (const { uuid, agent_id, task_id } of stream.takeStatuses()) {
        if (uuid === undefined || this.recordedUuids.has(uuid)) continue
        await this.acknowledge(stream, { uuid, agent_id, task_id })
      }
    }
    for (const agent of this.agents) await agent.goOn()
  }

  private acknowledge(stream: SchedulerStream, acknowledge: object): Promise<void> {
    return this.callUnrecorded(stream, { type: "ACKNOWLEDGE", acknowledge })
  }

  private async decline(
    stream: SchedulerStream,
    offerIds: ReadonlyArray<string>,
    refuse_seconds = 0,
  ): Promise<void> {
    stream.noteAnswered(offerIds)
    const offer_ids = offerIds.map((value) => ({ value }))
    await this.callUnrecorded(stream, {
      type: "DECLINE",
      decline: { offer_ids, filters: { refuse_seconds } },
    })
  }

  private async callUnrecorded(stream: SchedulerStream, call: object): Promise<void> {
    const framework_id = stream.events().find(({ type }) => type === "SUBSCRIBED")?.subscribed.framework_id
    const headers = [
      ["Content-Type", "application/json"],
      ["Content-Length", ""],
      ["Authorization", `Bearer ${secret}`],
      ["Mesos-Stream-Id", headerOf(stream.headers(), "Mesos-Stream-Id") ?? ""],
    ] as const
    const body = JSON.stringify({ ...call, framework_id })
    await ask(this.url, { method: "POST", path: "/api/v1/scheduler", headers, body })
  }
}

const resourcesOf = (text: string): PlainResources => {
  const resources = parseResources(text)
  if (typeof resources === "string") throw new Error(resources)
  return resourcesToPlain(resources)
}

/** Serves a master under the profile `mesos` with the agents of a set-up, for as long as `use` takes. */
export const withSetUp = <A>(
  setUp: SetUp,
  use: (url: string, agents: ReadonlyArray<FakeAgent>, masterId: string) => Promise<A>,
): Promise<A> =>
  run(
    Effect.gen(function* () {
      const masterId = randomUUID()
      const served = yield* serveMaster({
        settings: masterSettings,
        masterId,
        address: { hostname: "localhost", ip: "127.0.0.1", port: setUp.port },
        authenticate: setUp.password === null ? everybodyIsAdministrator : authenticateAsRecorded,
      })
      const agents: Array<FakeAgent> = []
      for (const { port, cpus, mem, attributes } of setUp.agents) {
        const agent = yield* served.agent
        yield* Effect.promise(() =>
          agent.join({
            address: { hostname: "localhost", ip: "127.0.0.1", port },
            total: resourcesOf(`cpus:${cpus};mem:${mem};disk:10240;ports:[31000-32000]`),
            attributes: Object.entries(attributes).map(([name, value]) => ({ name, value })),
          }),
        )
        agents.push(agent)
      }
      return yield* Effect.promise(() => use(served.url, agents, masterId))
    }),
  )

export const replay = (
  setUp: SetUp,
  steps: ReadonlyArray<Step>,
  scenario: Partial<Scenario> = {},
): Promise<ReadonlyArray<Outcome>> =>
  withSetUp(setUp, async (url, agents, masterId) => {
    const replay = new Replay(url, steps, scenario, agents, masterId)
    try {
      return await replay.play()
    } finally {
      replay.close()
    }
  })
