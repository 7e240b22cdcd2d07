import { Context, Effect, Layer, Option, type Scope } from "effect"
import type { MasterSettings, NetworkAddress } from "../../core/master/State.ts"
import { type Authenticate, makeAuthenticate } from "../../runtime/access/Authentication.ts"
import { makeDoor } from "../../runtime/access/Door.ts"
import { closeRoute, openRoute } from "../../runtime/access/RouteRules.ts"
import { request } from "../../runtime/http/Client.ts"
import { serve } from "../../runtime/http/Listener.ts"
import { type Route, routesToHandler } from "../../runtime/http/Routes.ts"
import type { Journal, JournalError } from "../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../runtime/journal/MemoryJournal.ts"
import { makeAgentRoutes } from "../../runtime/master/AgentApi.ts"
import * as Master from "../../runtime/master/Master.ts"
import * as MasterMetrics from "../../runtime/master/MasterMetrics.ts"
import { makeStateRoutes, openRoutes } from "../../runtime/master/OperatorApi.ts"
import { schedulerRoutes } from "../../runtime/master/SchedulerApi.ts"
import { DaemonLogFile, type OwnLog } from "../../runtime/OwnLog.ts"
import { FakeAgent } from "./FakeAgent.ts"
import { settingsWithoutPause } from "./MasterHarness.ts"
import { V1Framework } from "./V1Framework.ts"

export const secret = "0123456789abcdef0123456789abcdef"

export interface MasterFixtureOptions {
  readonly settings?: Partial<MasterSettings>
  readonly journal?: Layer.Layer<Journal, JournalError>
  readonly masterId?: string
  readonly address?: NetworkAddress
  /** The file that its log goes to; none, whatever the tests' own output goes to. */
  readonly log?: OwnLog
  /** Who is answered; the ones with the secret, when nothing is said. */
  readonly authenticate?: Authenticate
}

const identityOf = ({ address }: MasterFixtureOptions) => ({
  version: "9.9",
  address: address ?? { hostname: "here", ip: "127.0.0.1", port: 5050 },
})

/** The master alone, not yet running. */
export const makeMaster = (options: MasterFixtureOptions = {}) =>
  Master.layer({
    // Refused offers come back at once: what the pause does is tested without a clock, in test/core.
    settings: { ...settingsWithoutPause, ...options.settings },
    newMasterId: options.masterId ?? "m",
    newSeed: "seed",
    firstMessageId: 1,
    identity: identityOf(options),
  }).pipe(
    Layer.provideMerge(MasterMetrics.layer),
    Layer.provide(options.journal ?? MemoryJournal.layer()),
    Layer.build,
  )

/** A master that runs and serves on a free port, as its daemon puts it together, over a journal in memory. */
export const serveMaster = (options: MasterFixtureOptions = {}) =>
  Effect.gen(function* () {
    const context = yield* makeMaster(options)
    const master = Context.get(context, Master.Master)
    const loop = yield* Effect.forkScoped(master.run)
    const door = makeDoor(options.authenticate ?? makeAuthenticate({ secret }), { strangerRate: null })
    const identity = identityOf(options)
    const closed = [
      ...schedulerRoutes,
      ...(yield* Effect.provide(makeAgentRoutes, context)),
      ...(yield* makeStateRoutes(identity, [{ name: "port", value: "5050" }])),
    ]
    const routes: Array<Route<Master.Master | MasterMetrics.MasterMetrics>> = [
      ...openRoutes(identity).map(openRoute(door)),
      ...closed.map(closeRoute(door, () => master.state)),
    ]
    const handler = routesToHandler(routes, { prefixes: ["/master"] })
    const listener = yield* serve({ host: "127.0.0.1", port: 0, handler }).pipe(
      Effect.provide(context),
      Effect.provideService(DaemonLogFile, Option.fromNullable(options.log)),
    )
    const open = <A extends { close: () => void }>(make: () => A) =>
      Effect.acquireRelease(Effect.sync(make), (peer) => Effect.sync(peer.close.bind(peer)))
    return {
      master,
      loop,
      url: listener.url,
      /** The doors that are not open to everybody. */
      closedRoutes: closed as unknown as ReadonlyArray<Route>,
      framework: open(() => new V1Framework(listener.url, secret)),
      agent: open(() => new FakeAgent(listener.url, secret)),
      ask: (
        path: string,
        options: { method?: string; headers?: Record<string, string>; body?: string } = {},
      ) => request({ url: listener.url + path, secret, ...options }),
    }
  })

export type ServedMaster = Effect.Effect.Success<ReturnType<typeof serveMaster>>

export const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(effect))
