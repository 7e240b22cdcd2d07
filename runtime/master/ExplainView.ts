import type { HostAnswer, HostGroup } from "../../core/allocation/Explain/HostGroups.ts"
import type { RoleAnswer } from "../../core/allocation/Explain.ts"
import type { HostVerdict } from "../../core/allocation/HostVerdict.ts"
import type { Preemption } from "../../core/allocation/Preemption.ts"
import type { MasterState } from "../../core/master/State.ts"
import type { Quantities } from "../../core/resources/Quantities.ts"
import { resourcesToText } from "../../core/resources/Resources.ts"

// The answer of `/explain` as JSON: amounts in Mesos's units, resources as text.

export interface ExplainView {
  readonly framework: { readonly id: string; readonly name: string } | null
  readonly wanted: Readonly<Record<string, number>>
  readonly answers: ReadonlyArray<RoleView>
}

export interface RoleView {
  readonly role: string | null
  /** Why no host was asked; null = the groups tell. */
  readonly refusal: string | null
  readonly text: string
  readonly remark: string | null
  readonly groups: ReadonlyArray<GroupView>
  /** Whom one would have to stop so that the task fits, the cheapest host first; null = not looked for. */
  readonly stops: ReadonlyArray<StopView> | null
}

export interface GroupView {
  readonly stage: string
  readonly count: number
  readonly text: string
  /** Some of them, or all when asked for. */
  readonly hosts: ReadonlyArray<{
    readonly id: string
    readonly hostname: string
    readonly verdict: Readonly<Record<string, unknown>>
  }>
}

export interface StopView {
  readonly agent_id: string
  readonly hostname: string
  readonly lost_cpu_seconds: number
  /** Whether less lost work is impossible on this host. */
  readonly is_least: boolean
  readonly tasks: ReadonlyArray<{
    readonly framework_id: string
    readonly framework_name: string
    readonly task_id: string
    readonly role: string
    readonly resources: string
    readonly lost_cpu_seconds: number
  }>
}

/** Hosts of a group that are named without being asked for. */
const hostsShown = 10

export const roleView = (
  { role, refusal, text, remark, groups }: RoleAnswer,
  stops: ReadonlyArray<StopView> | null,
  isEveryHostListed: boolean,
): RoleView => ({
  role,
  refusal: refusal === null ? null : refusal.reason,
  text,
  remark,
  groups: groups.map((group) => groupView(group, isEveryHostListed)),
  stops,
})

const groupView = ({ stage, text, hosts }: HostGroup, isEveryHostListed: boolean): GroupView => ({
  stage,
  count: hosts.length,
  text,
  hosts: (isEveryHostListed ? hosts : hosts.slice(0, hostsShown)).map(hostView),
})

const hostView = ({ agentId, hostname, verdict }: HostAnswer) => ({
  id: agentId,
  hostname,
  verdict: verdictView(verdict),
})

const verdictView = (verdict: HostVerdict): Readonly<Record<string, unknown>> => {
  switch (verdict.stage) {
    case "tooSmall":
    case "short":
    case "reserve":
      return { ...verdict, missing: unitsOf(verdict.missing) }
    case "reserved":
      return { ...verdict, missing: unitsOf(verdict.missing) }
    case "belowMinimum":
      return { ...verdict, free: unitsOf(verdict.free) }
    case "filtered":
      return { ...verdict, refused: resourcesToText(verdict.refused) }
    case "offered":
      return { ...verdict, resources: resourcesToText(verdict.resources) }
    default:
      return verdict
  }
}

export const unitsOf = (quantities: Quantities): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(quantities).map(([name, milli]) => [name, milli / 1000]))

export const stopView = ({ agentId, tasks, lostWork, isBest }: Preemption, state: MasterState): StopView => ({
  agent_id: agentId,
  hostname: state.agents.get(agentId)?.address.hostname ?? "",
  lost_cpu_seconds: toCpuSeconds(lostWork),
  is_least: isBest,
  tasks: tasks.map(({ key, role, resources, lostWork: lost }) => {
    const { taskId, frameworkId } = state.tasks.get(key)!.spec
    return {
      framework_id: frameworkId,
      framework_name: state.frameworks.get(frameworkId)?.info.name ?? "",
      task_id: taskId,
      role,
      resources: resourcesToText(resources),
      lost_cpu_seconds: toCpuSeconds(lost),
    }
  }),
})

/** From milli-cpu-ms. */
const toCpuSeconds = (lostWork: number): number => Math.round(lostWork / 1e6)
