import {
  holdsResources,
  offersOfAgent,
  offersOfFramework,
  tasksOfAgent,
  tasksOfFramework,
} from "../../../core/master/Context.ts"
import type {
  AgentRecord,
  FrameworkRecord,
  MasterState,
  OfferRecord,
  TaskRecord,
} from "../../../core/master/State.ts"
import { heldResources } from "../../../core/resources/HeldResources.ts"
import { isNoQuantities, type Quantities } from "../../../core/resources/Quantities.ts"
import { isUnreserved, reservationRole, resourceOf, toKind } from "../../../core/resources/Resource.ts"
import {
  addResources,
  noResources,
  pickResources,
  quantitiesToResources,
  type Resources,
  subtractResources,
  toResources,
} from "../../../core/resources/Resources.ts"
import type { Allocated } from "../../mesos/OperatorViews.ts"

export { resourcesView, scalarsView } from "../../mesos/OlderViews.ts"

// Who has how much, for all views of agents and frameworks.

/** The role that reserves are kept for, which no framework subscribes to (design §5). */
export const primaryRole = "primary"

/** As the monitor of an Apache Mesos agent would have reserved it (spec/mesos.md §1.13). */
const heldKind = (name: string) =>
  toKind({
    name,
    type: "scalar",
    reservations: [
      {
        type: "dynamic",
        role: primaryRole,
        principal: "monitor",
        labels: [{ key: "owner", value: "monitor" }],
      },
    ],
  })

const heldToResources = (held: Quantities): Resources =>
  toResources(Object.entries(held).map(([name, milli]) => resourceOf(heldKind(name), milli)))

export interface AgentAmounts {
  readonly used: Resources
  readonly offered: Resources
  /** By role, sorted; the part of its reserve that is taken already stands with the role `primary`. */
  readonly reserved: ReadonlyArray<Allocated>
  readonly unreserved: Resources
}

/** What tasks hold, and once what each of their executors holds. */
const heldParts = (tasks: ReadonlyArray<TaskRecord>): ReadonlyArray<Allocated> => {
  const executors = new Set<string>()
  const parts: Array<Allocated> = []
  for (const { spec } of tasks) {
    const { role, executor } = spec
    parts.push({ role, resources: heldResources(spec.resources) })
    if (executor === undefined) continue
    const key = `${spec.agentId}/${spec.frameworkId}/${executor.executorId}`
    if (!executors.has(key)) parts.push({ role, resources: heldResources(executor.resources) })
    executors.add(key)
  }
  return parts
}

const sumOfTasks = (tasks: ReadonlyArray<TaskRecord>): Resources =>
  heldParts(tasks).reduce((total, { resources }) => addResources(total, resources), noResources)

const sumOfOffers = (offers: ReadonlyArray<OfferRecord>): Resources =>
  offers.reduce((total, { resources }) => addResources(total, resources), noResources)

export const amountsOfAgent = (state: MasterState, { id, total }: AgentRecord): AgentAmounts => {
  const held = state.allocator.heldOn(id)
  const offered = sumOfOffers(offersOfAgent(state, id))
  return {
    used: sumOfTasks(tasksOfAgent(state, id).filter(holdsResources)),
    offered,
    reserved: sumByRole([
      ...total.flatMap((resource): ReadonlyArray<Allocated> => {
        const role = reservationRole(resource.kind)
        return role === null ? [] : [{ role, resources: [resource] }]
      }),
      ...(isNoQuantities(held) ? [] : [{ role: primaryRole, resources: heldToResources(held) }]),
    ]),
    unreserved: subtractResources(
      pickResources(total, ({ kind }) => isUnreserved(kind)),
      quantitiesToResources(held),
    ),
  }
}

/** What a framework has, and what of it are tasks. Those on unreachable agents stand apart and hold nothing. */
export interface FrameworkAmounts {
  readonly tasks: ReadonlyArray<TaskRecord>
  readonly unreachableTasks: ReadonlyArray<TaskRecord>
  readonly offers: ReadonlyArray<OfferRecord>
  readonly used: Resources
  readonly offered: Resources
}

export const isUnreachable = (task: TaskRecord): boolean => task.state === "TASK_UNREACHABLE"

export const amountsOfFramework = (state: MasterState, { id }: FrameworkRecord): FrameworkAmounts => {
  const all = tasksOfFramework(state, id)
  const offers = offersOfFramework(state, id)
  return {
    tasks: all.filter((task) => !isUnreachable(task)),
    unreachableTasks: all.filter(isUnreachable),
    offers,
    used: sumOfTasks(all.filter(holdsResources)),
    offered: sumOfOffers(offers),
  }
}

const sumByRole = (parts: Iterable<Allocated>): ReadonlyArray<Allocated> => {
  const byRole = new Map<string, Resources>()
  for (const { role, resources } of parts) {
    byRole.set(role, addResources(byRole.get(role) ?? noResources, resources))
  }
  return [...byRole.keys()].sort().map((role) => ({ role, resources: byRole.get(role)! }))
}

const allocatedByRole = (tasks: ReadonlyArray<TaskRecord>): ReadonlyArray<Allocated> =>
  sumByRole(heldParts(tasks.filter(holdsResources)))

/** What tasks hold and what is offered, each by role. */
export interface RoleShares {
  readonly allocated: ReadonlyArray<Allocated>
  readonly offered: ReadonlyArray<Allocated>
}

export const sharesOfAgent = (state: MasterState, { id }: AgentRecord): RoleShares => ({
  allocated: allocatedByRole(tasksOfAgent(state, id)),
  offered: sumByRole(offersOfAgent(state, id)),
})

export const sharesOfFramework = (state: MasterState, { id }: FrameworkRecord): RoleShares => ({
  allocated: allocatedByRole(tasksOfFramework(state, id)),
  offered: sumByRole(offersOfFramework(state, id)),
})
