import { mkdirSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import type { MonitorPolicy } from "../../core/monitor/State.ts"
import { defaultPolicyFile, parsePolicyFile, toMonitorPolicy } from "../../core/policies/PolicyFile.ts"
import { linuxPlainKernel } from "../cgroups/LinuxPlainKernel.ts"
import { readBootId } from "../host/BootId.ts"
import { openHostSampler } from "../host/HostSampler.ts"
import { startPeriodicTimer } from "../host/PeriodicTimer.ts"
import { acquireProcessLock } from "../ProcessLock.ts"
import { beatMsMost, monitorSocketName } from "../protocol/MonitorProtocol.ts"
import { openRecorder } from "../recording/Recorder.ts"
import type { Log } from "./LeaseClient.ts"
import { createMonitor, recordMs } from "./Monitor.ts"
import { type MonitorListener, startMonitorListener } from "./MonitorListener.ts"
import { createMonitorMetrics } from "./MonitorMetrics.ts"
import { createQuietLog } from "./QuietLog.ts"

/** A policy file's text and where it lies. */
export interface PolicyText {
  readonly text: string
  readonly path: string
}

export interface MonitorDaemonOptions {
  /** Of the agent on this host: its socket lies there. The agent may come later and go. */
  readonly agentFolder: string
  /** For recordings, and the lock that keeps a second monitor out; made when missing. */
  readonly folder: string
  /** null = the default policy. */
  readonly policyText: PolicyText | null
  /** 20 ms to 1 s. */
  readonly guardPeriodMs: number
  /** Where /metrics and /health are served. */
  readonly host: string
  readonly port: number
  readonly version: string
  readonly onReady: (ready: { readonly port: number }) => void
  readonly log: Log
  /** For tests: another folder than /proc. */
  readonly procFolder?: string
}

export interface MonitorDaemon {
  /** Ends the lease and leaves the ceiling as it is; resolves when everything is written and closed. */
  readonly stop: () => Promise<void>
  /** Resolves at the end: undefined after `stop`, else what ended it. */
  readonly ended: Promise<Error | undefined>
  /** Runs another policy from now on, warm from the recording; why not when it is refused, which changes nothing. */
  readonly reloadPolicy: (policyText: PolicyText | null) => string | undefined
}

/** What was given cannot be run. */
export class MonitorRefused extends Error {
  readonly _tag = "MonitorRefused"

  constructor(reason: string) {
    super(reason)
    this.name = "MonitorRefused"
  }
}

export const guardPeriodMsLeast = 20
export const guardPeriodMsMost = 1_000

const samplerOf =
  (procFolder: string): typeof openHostSampler =>
  (options) =>
    openHostSampler({ ...options, procFolder })

const readPolicy = (policyText: PolicyText | null): MonitorPolicy | string => {
  if (policyText === null) return toMonitorPolicy(defaultPolicyFile)
  const parsed = parsePolicyFile(policyText.text)
  return parsed._tag === "Accepted" ? toMonitorPolicy(parsed.file) : `${policyText.path}: ${parsed.reason}`
}

/**
 * The monitor as a process of its own: both loops of design §5 without Effect. Rejects with `MonitorRefused`,
 * `FolderInUse` or `MonitorPortUnusable`, and what the file system says.
 */
export const startMonitor = async (options: MonitorDaemonOptions): Promise<MonitorDaemon> => {
  const { guardPeriodMs, folder } = options
  if (!(guardPeriodMs >= guardPeriodMsLeast && guardPeriodMs <= guardPeriodMsMost))
    throw new MonitorRefused(`a guard period of ${guardPeriodMs} ms is not possible: choose 20ms to 1s`)
  const policy = readPolicy(options.policyText)
  if (typeof policy === "string") throw new MonitorRefused(policy)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const lock = acquireProcessLock(join(folder, ".lock"))
  if ("holderPid" in lock)
    throw new MonitorRefused(
      `${folder} is held by process ${lock.holderPid}, which runs: stop that monitor first, or use another data folder`,
    )
  try {
    return await runMonitor(options, policy, lock.release)
  } catch (error) {
    lock.release()
    throw error
  }
}

const runMonitor = async (
  options: MonitorDaemonOptions,
  policy: MonitorPolicy,
  releaseLock: () => void,
): Promise<MonitorDaemon> => {
  const { guardPeriodMs, folder } = options
  const nowMs = () => performance.now()
  const log = createQuietLog(options.log, nowMs)
  const recorder = openRecorder({
    folder,
    host: hostname(),
    bootId: readBootId(),
    intervalMs: recordMs,
    writer: `gleaner monitor ${options.version}`,
    onProblem: (problem) => log("warning", problem),
  })
  let onDefect: (error: Error) => void = () => undefined
  const monitor = createMonitor({
    socketPath: join(options.agentFolder, monitorSocketName),
    folder,
    host: hostname(),
    policy,
    guardPeriodMs,
    version: options.version,
    kernel: linuxPlainKernel,
    recorder,
    nowMs,
    wallMs: Date.now,
    chance: Math.random,
    log: options.log,
    ...(options.procFolder === undefined ? {} : { openSampler: samplerOf(options.procFolder) }),
    onDefect: (error) => onDefect(error),
  })
  const metrics = createMonitorMetrics(monitor.view)
  const timers: Array<{ readonly stop: () => void }> = []
  const stopLoops = async () => {
    for (const timer of timers) timer.stop()
    await monitor.stop()
    await recorder.stop()
    releaseLock()
  }

  let listener: MonitorListener
  try {
    listener = await startMonitorListener({
      host: options.host,
      port: options.port,
      contentType: metrics.contentType,
      metrics: metrics.expose,
      health: () => healthOf(monitor.view(), guardPeriodMs),
    })
  } catch (error) {
    await stopLoops()
    throw error
  }

  let resolveEnded: (error: Error | undefined) => void
  const ended = new Promise<Error | undefined>((resolve) => {
    resolveEnded = resolve
  })
  let stopping: Promise<void> | undefined
  const stop = (cause?: Error): Promise<void> => {
    stopping ??= Promise.all([stopLoops(), listener.stop()]).then(
      () => resolveEnded(cause),
      (error: Error) => resolveEnded(cause ?? error),
    )
    return stopping
  }
  onDefect = (error) => {
    options.log("error", "the monitor ends, and leaves the ceiling as it is", { cause: error.stack })
    void stop(error)
  }
  const guarded = (run: () => void) => {
    try {
      run()
    } catch (error) {
      onDefect(error as Error)
    }
  }

  const runGuard = (lateMs: number, skipped: number) =>
    guarded(() => {
      metrics.observeLate(lateMs)
      monitor.guard(lateMs, skipped)
    })
  timers.push(startPeriodicTimer({ periodMs: guardPeriodMs, nowMs, run: runGuard }))
  if (guardPeriodMs > beatMsMost)
    timers.push(startPeriodicTimer({ periodMs: beatMsMost, nowMs, run: () => guarded(monitor.beat) }))
  options.onReady({ port: listener.port })

  return {
    stop: () => stop(),
    ended,
    reloadPolicy: (policyText) => {
      const next = readPolicy(policyText)
      if (typeof next === "string") return next
      guarded(() => monitor.replacePolicy(next))
      return undefined
    },
  }
}

/** Healthy = measures. The lease is shown and does not count: without an agent there is nothing to guard. */
const healthOf = (view: ReturnType<ReturnType<typeof createMonitor>["view"]>, guardPeriodMs: number) => {
  const isHealthy = view.sampleAgeMs < Math.max(3 * guardPeriodMs, 1_000) + 1_000
  return {
    isHealthy,
    body: {
      status: isHealthy ? "ok" : "no sample of the host",
      lease: view.hasLease,
      sampleAgeMs: Math.round(view.sampleAgeMs),
      ceilingNotBiting: view.counts.notBiting,
    },
  }
}
