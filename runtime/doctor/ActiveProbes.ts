import { Effect } from "effect"
import type { CgroupFacts, ControllerName } from "../cgroups/CgroupFacts.ts"
import { isRefused, type KernelRefused } from "../cgroups/CgroupKernel.ts"
import { cpuPeriodMicros } from "../cgroups/ControlFiles.ts"
import type { DoctorHost, ProbeProcess } from "./DoctorHost.ts"

/** What came of trying; `unclear` when the probe itself did not get far enough to tell. */
export interface ProbeResult {
  readonly outcome: "works" | "fails" | "unclear"
  readonly detail: string
}

export interface ActiveProbeResults {
  /** Absent where there is nothing to try. */
  readonly cpuQuota?: ProbeResult
  readonly freezer?: ProbeResult
}

/** Small enough that the primary does not notice, large enough for a shell to start in. */
const probeQuotaMicros = 10_000
const busyMs = 300
const stepMs = 20
/** Clock ticks (10 ms) that a working quota cannot let through within `busyMs`, with room for its first periods. */
const escapedTicks = 15

/**
 * Tries what files only promise: a quota that throttles and a freezer that stops. In groups of its own, removed
 * afterwards; beside the parent where this user may, so that an agent that runs does not take them for a container.
 */
export const runActiveProbes = async (
  host: DoctorHost,
  facts: CgroupFacts,
  parent: string,
): Promise<ActiveProbeResults> => {
  const mountOf = (name: ControllerName) => facts.hierarchies.find((one) => one.controllers.includes(name))
  const cpu = facts.hasCpuQuota ? mountOf("cpu") : undefined
  const freezer = facts.hasFreezer ? mountOf("freezer") : undefined
  const isWritable = (mountPoint: string) =>
    facts.controllers.some((one) => one.mountPoint === mountPoint && one.writable)
  return {
    ...(cpu !== undefined && isWritable(cpu.mountPoint)
      ? { cpuQuota: await inOwnGroup(host, cpu.mountPoint, parent, (group) => tryQuota(host, group)) }
      : {}),
    ...(freezer !== undefined && isWritable(freezer.mountPoint)
      ? { freezer: await inOwnGroup(host, freezer.mountPoint, parent, (group) => tryFreezer(host, group)) }
      : {}),
  }
}

type Use = (group: string) => Promise<ProbeResult>

const inOwnGroup = async (
  host: DoctorHost,
  mountPoint: string,
  parent: string,
  use: Use,
): Promise<ProbeResult> => {
  const { kernel } = host
  const canUseRoot = await Effect.runPromise(kernel.canWrite(mountPoint))
  const prefix = canUseRoot ? `${mountPoint}/${parent}-doctor-` : `${mountPoint}/${parent}/doctor-`
  await sweep(host, prefix)
  const group = `${prefix}${host.ownPid}`
  try {
    await Effect.runPromise(kernel.mkdir(group))
    return await use(group)
  } catch (error) {
    return { outcome: "unclear", detail: (error as Error).message }
  } finally {
    await removeGroup(host, group)
  }
}

/** Groups of doctors that were killed: empty, because their processes end with them. */
const sweep = async (host: DoctorHost, prefix: string) => {
  const folder = prefix.slice(0, prefix.lastIndexOf("/"))
  const namePrefix = prefix.slice(folder.length + 1)
  const names = await Effect.runPromise(Effect.orElseSucceed(host.kernel.groups(folder), () => []))
  for (const name of names) {
    const pid = name.startsWith(namePrefix) ? name.slice(namePrefix.length) : ""
    if (/^\d+$/.test(pid) && !host.exists(`/proc/${pid}`))
      await Effect.runPromise(Effect.ignore(host.kernel.rmdir(`${folder}/${name}`)))
  }
}

const removeGroup = async (host: DoctorHost, group: string) => {
  // EBUSY comes for a moment after the last exit.
  for (let round = 0; round < 50; round++) {
    const isBusy = await Effect.runPromise(
      host.kernel.rmdir(group).pipe(
        Effect.as(false),
        Effect.catchAll((error: KernelRefused) => Effect.succeed(isRefused(error, "EBUSY"))),
      ),
    )
    if (!isBusy) return
    await host.pause(stepMs)
  }
}

const withProcess = async (
  host: DoctorHost,
  group: string,
  kind: "busy" | "idle",
  use: (probe: ProbeProcess) => Promise<ProbeResult>,
): Promise<ProbeResult> => {
  const probe = host.startProbe(`${group}/tasks`, kind)
  try {
    return await use(probe)
  } finally {
    await probe.end()
  }
}

/** Looks every 20 ms; whether it came true within `waitMs`. */
const within = async (host: DoctorHost, waitMs: number, look: () => boolean): Promise<boolean> => {
  for (let waitedMs = 0; ; waitedMs += stepMs) {
    if (look()) return true
    if (waitedMs >= waitMs) return false
    await host.pause(stepMs)
  }
}

const readNow = (host: DoctorHost, path: string): string =>
  Effect.runSync(Effect.orElseSucceed(host.kernel.read(path), () => ""))

const tryQuota = async (host: DoctorHost, group: string): Promise<ProbeResult> => {
  const parentQuota = Number(readNow(host, `${group.slice(0, group.lastIndexOf("/"))}/cpu.cfs_quota_us`))
  const quotaMicros = parentQuota > 0 ? Math.min(parentQuota, probeQuotaMicros) : probeQuotaMicros
  await Effect.runPromise(host.kernel.write(`${group}/cpu.cfs_period_us`, String(cpuPeriodMicros)))
  await Effect.runPromise(host.kernel.write(`${group}/cpu.cfs_quota_us`, String(quotaMicros)))
  return withProcess(host, group, "busy", async (probe) => {
    const throttled = () => Number(/^nr_throttled (\d+)/m.exec(readNow(host, `${group}/cpu.stat`))?.[1] ?? 0)
    if (await within(host, busyMs, () => throttled() > 0))
      return { outcome: "works", detail: `a busy process was held to ${quotaMicros / 1000} ms per 100 ms` }
    const stat = host.readText(`/proc/${probe.pid}/stat`) ?? ""
    const [userTicks, systemTicks] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13)
    const ticks = Number(userTicks ?? 0) + Number(systemTicks ?? 0)
    return ticks >= escapedTicks
      ? {
          outcome: "fails",
          detail: `a busy process used ${ticks * 10} ms in ${busyMs} ms and was never held`,
        }
      : { outcome: "unclear", detail: `a busy process got only ${ticks * 10} ms of cpu in ${busyMs} ms` }
  })
}

const tryFreezer = (host: DoctorHost, group: string): Promise<ProbeResult> =>
  withProcess(host, group, "idle", async (probe) => {
    const isIn = () => readNow(host, `${group}/tasks`).split("\n").includes(String(probe.pid))
    if (!(await within(host, 1_000, isIn)))
      return { outcome: "unclear", detail: "no process got into the group within 1 s" }
    const reaches = async (state: "FROZEN" | "THAWED") => {
      await Effect.runPromise(host.kernel.write(`${group}/freezer.state`, state))
      return within(host, 500, () => readNow(host, `${group}/freezer.state`).trim() === state)
    }
    const isFrozen = await reaches("FROZEN")
    const isThawed = await reaches("THAWED")
    return isFrozen && isThawed
      ? { outcome: "works", detail: "a process was frozen and thawed" }
      : { outcome: "fails", detail: `a process was not ${isFrozen ? "thawed" : "frozen"} within 500 ms` }
  })
