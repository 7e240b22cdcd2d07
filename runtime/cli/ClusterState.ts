import { Effect } from "effect"
import { request } from "../http/Client.ts"
import type { MasterAccess } from "../mesos/SchedulerClient.ts"
import { CommandFailure } from "./CommandFailure.ts"

export interface Scalars {
  readonly cpus: number
  /** MiB. */
  readonly mem: number
}

/** The part of the master's `/state?gleaner` that the command line shows: Mesos's members and gleaner's own. */
export interface ClusterState {
  readonly id: string
  readonly version: string
  readonly start_time: number
  readonly slaves: ReadonlyArray<HostView>
  /** Known from before the master started, and not back yet. */
  readonly recovered_slaves: ReadonlyArray<HostView>
  readonly unreachable_slave_list?: ReadonlyArray<HostView>
  readonly frameworks: ReadonlyArray<{
    readonly id: string
    readonly name: string
    readonly connected: boolean
    readonly roles: ReadonlyArray<string>
    readonly used_resources: Scalars
    readonly offers: ReadonlyArray<unknown>
    readonly tasks: ReadonlyArray<TaskView>
    readonly unreachable_tasks: ReadonlyArray<TaskView>
  }>
  readonly orphan_tasks: ReadonlyArray<TaskView>
}

export interface HostView {
  readonly id: string
  readonly hostname: string
  readonly condition: string
  readonly deactivated: boolean
  readonly drain_info?: { readonly state: string }
  readonly resources: Scalars
  readonly used_resources: Scalars
  readonly offered_resources: Scalars
  /** By role; `primary` is what is kept for the host's own work. Absent roles have nothing. */
  readonly reserved_resources?: { readonly [role: string]: Scalars }
}

/** All hosts, those that are away too. */
export const allHosts = ({
  slaves,
  recovered_slaves,
  unreachable_slave_list = [],
}: Pick<ClusterState, "slaves" | "recovered_slaves" | "unreachable_slave_list">): ReadonlyArray<HostView> => [
  ...slaves,
  ...recovered_slaves,
  ...unreachable_slave_list,
]

/** What an operator has made of a host counts more than whether it is connected. */
export const conditionText = ({ condition, deactivated, drain_info }: HostView): string => {
  if (condition !== "connected") return condition
  if (drain_info !== undefined) return drain_info.state.toLowerCase()
  return deactivated ? "deactivated" : condition
}

export interface TaskView {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly slave_id: string
  readonly resources: Scalars
  readonly command: string
  readonly launched_time: number
}

/** Asks the master for its state. */
export const fetchState = (access: MasterAccess): Effect.Effect<ClusterState, CommandFailure> =>
  request({
    url: `${access.url}/state?gleaner`,
    secret: access.secret,
    tls: access.tls,
  }).pipe(
    Effect.mapError(({ message }) => new CommandFailure({ message, exitCode: 1 })),
    Effect.flatMap(({ status, body }) =>
      status === 200
        ? Effect.succeed(JSON.parse(body) as ClusterState)
        : new CommandFailure({ message: `${access.url}/state answered ${status}: ${body}`, exitCode: 1 }),
    ),
  )
