import { randomBytes, randomUUID } from "node:crypto"
import { rmSync, statSync } from "node:fs"
import { hostname } from "node:os"
import { dirname } from "node:path"
import { Effect, Layer } from "effect"
import type { MasterSettings } from "../../core/master/State.ts"
import { chooseAdvertisedIp, chooseLocalIp } from "../AdvertisedAddress.ts"
import { readAccess } from "../access/Access.ts"
import { makeDoor, type RateBounds } from "../access/Door.ts"
import { closeRoute, openRoute } from "../access/RouteRules.ts"
import { type DataFolder, makePrivateFolder, replaceFile } from "../DataFolder.ts"
import { httpUrl, type Scheme } from "../http/HttpUrl.ts"
import { type ListenerBounds, serve } from "../http/Listener.ts"
import type { ListenerTls } from "../http/ListenerTls.ts"
import { type Route, routesToHandler } from "../http/Routes.ts"
import type { LogBounds } from "../journal/LogBounds.ts"
import * as SqliteJournal from "../journal/SqliteJournal.ts"
import { makeAgentRoutes } from "./AgentApi.ts"
import * as Master from "./Master.ts"
import * as MasterMetrics from "./MasterMetrics.ts"
import { withMesosFlags } from "./MesosFlags.ts"
import { makeStateRoutes, openRoutes } from "./OperatorApi.ts"
import { firstIdAt } from "./Outbox.ts"
import type { Flag } from "./operator/Facts.ts"
import { schedulerRoutes } from "./SchedulerApi.ts"

export interface MasterDaemonOptions {
  readonly data: DataFolder
  readonly host: string
  readonly port: number
  readonly version: string
  readonly settings: MasterSettings
  /** False answers everyone. Tasks share the host's loopback, so this must be asked for. */
  readonly isAuthenticated: boolean
  /** Files of principals and of what they may do; null = there are none beside the cluster's secret. */
  readonly credentialsFile: string | null
  readonly aclsFile: string | null
  /** Of requests and connections. */
  readonly bounds: ListenerBounds & RateBounds
  /** Undefined = plain HTTP. */
  readonly tls: ListenerTls | undefined
  /** Script of the journal's writer thread. */
  readonly journalWorker: URL
  /** How much of its log is kept. */
  readonly journalBounds: LogBounds
  /** The settings in force, for whoever asks which they are. */
  readonly flags: ReadonlyArray<Flag>
  /** The address that others are told; null = found out. */
  readonly advertisedIp: string | null
  /** Called once the master serves, with where processes of this host reach it. */
  readonly onReady: (facts: { readonly url: string }) => void
}

/** In bytes; a file that is not there has none. */
const sizeOfFiles = (paths: ReadonlyArray<string>): number =>
  paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)

/** A whole master: journal, machine, HTTP. Runs until interrupted; fails when its journal does. */
export const runMasterDaemon = (options: MasterDaemonOptions) => {
  const { data, settings, version } = options
  // The port is known for sure only when the listener has it.
  const scheme: Scheme = options.tls === undefined ? "http" : "https"
  const identity = {
    ...{ version, scheme },
    address: { hostname: hostname(), ip: options.host, port: options.port },
  }
  const program = Effect.gen(function* () {
    const door = makeDoor(yield* readAccess({ ...options, secretFile: data.secretFile }), options.bounds)
    const master = yield* Master.Master
    const flags = withMesosFlags(options.flags, {
      ...{ settings, hostname: identity.address.hostname, host: options.host, port: options.port },
      ...{ advertisedIp: options.advertisedIp, workFolder: data.path },
      ...{ isAuthenticated: options.isAuthenticated, hasAcls: options.aclsFile !== null },
    })
    const metrics = yield* MasterMetrics.MasterMetrics
    metrics.watchJournal(() => sizeOfFiles([data.journalFile, `${data.journalFile}-wal`]))
    const loop = yield* Effect.forkScoped(master.run)
    const routes: Array<Route<Master.Master | MasterMetrics.MasterMetrics>> = [
      ...openRoutes(identity).map(openRoute(door)),
      ...[...schedulerRoutes, ...(yield* makeAgentRoutes), ...(yield* makeStateRoutes(identity, flags))].map(
        closeRoute(door, () => master.state),
      ),
    ]
    const handler = routesToHandler(routes, { prefixes: ["/master"] })
    const listener = yield* serve({
      ...options.bounds,
      ...{ host: options.host, port: options.port, tls: options.tls, handler, isQuick: true },
    })
    identity.address.ip = chooseAdvertisedIp(listener.host, options.advertisedIp)
    identity.address.port = listener.port
    const url = httpUrl(chooseLocalIp(listener.host), listener.port, scheme)
    // Added after the listener, so that it runs before the listener ends its streams.
    yield* Effect.addFinalizer(() => master.stopListening)
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(data.masterFile, { force: true })))
    replaceFile(data.masterFile, JSON.stringify({ url, pid: process.pid }))
    yield* Effect.logInfo("master serves").pipe(
      Effect.annotateLogs({
        url: listener.url,
        advertised: httpUrl(identity.address.ip, listener.port, scheme),
        journal: data.journalFile,
        masterId: master.state.masterId,
      }),
    )
    if (!options.isAuthenticated) {
      yield* Effect.logWarning(
        "authentication is off: every process that can reach this port commands the cluster",
      )
    }
    options.onReady({ url })
    return yield* loop
  }).pipe(Effect.scoped)

  const layers = Master.layer({
    settings,
    newMasterId: randomUUID(),
    newSeed: randomBytes(16).toString("hex"),
    firstMessageId: firstIdAt(Date.now()),
    identity,
  }).pipe(
    Layer.provideMerge(MasterMetrics.layer),
    Layer.provide(
      SqliteJournal.layer({
        path: data.journalFile,
        workerScript: options.journalWorker,
        ...options.journalBounds,
      }),
    ),
  )
  return makePrivateFolder(dirname(data.journalFile)).pipe(Effect.zipRight(Effect.provide(program, layers)))
}
