import type { Unstamped } from "../../core/Machine.ts"
import type { MasterEventOf } from "../../core/master/Event.ts"
import type {
  ConversionRequest,
  OperationRequest,
  TaskRequest,
  UnservedRequest,
} from "../../core/master/OperationRequest.ts"
import type { AgentRecord, MasterState } from "../../core/master/State.ts"
import type { PlainResource, PlainResources } from "../../core/resources/PlainForm.ts"
import type { Action } from "./Action.ts"
import type { Caller } from "./Caller.ts"
import { volumeOn } from "./VolumeCreator.ts"

// Which right each operation of an ACCEPT needs. What is forbidden is told as a status of its task or operation, and the others of
// the same ACCEPT are done all the same (transcript auth/sched_alice_stream).

type Accepted = Unstamped<MasterEventOf<"OffersAccepted">>

interface ConversionRule {
  readonly action: Action
  /** As Mesos calls it when it says no. */
  readonly words: string
  readonly object: (resource: PlainResource, agent: AgentRecord | undefined) => string | null
}

const lastReservation = ({ reservations = [] }: PlainResource) =>
  reservations.length === 0 ? undefined : reservations[reservations.length - 1]

const reservedFor = (resource: PlainResource): string | null => lastReservation(resource)?.role ?? null
const reserver = (resource: PlainResource): string | null => lastReservation(resource)?.principal ?? null
/** Whoever made it, where it is there; what the operation says of that is not asked for anything else. */
const creator = (resource: PlainResource, agent: AgentRecord | undefined): string | null => {
  const persistence = resource.disk?.persistence ?? null
  const made = volumeOn(agent, reservedFor(resource), persistence?.id ?? null)
  return made === undefined ? (persistence?.principal ?? null) : made.principal
}

const conversionRules: { readonly [Type in ConversionRequest["type"]]: ConversionRule } = {
  RESERVE: { action: "reserve_resources", words: "reserve resources", object: reservedFor },
  UNRESERVE: { action: "unreserve_resources", words: "unreserve resources", object: reserver },
  CREATE: { action: "create_volumes", words: "create persistent volumes", object: reservedFor },
  DESTROY: { action: "destroy_volumes", words: "destroy persistent volumes", object: creator },
}

/** Plain amounts are nobody's: only a right to all helps. */
const objectsOf = (
  resources: PlainResources,
  object: ConversionRule["object"],
  agent: AgentRecord | undefined,
): ReadonlyArray<string | null> =>
  Array.isArray(resources)
    ? (resources as ReadonlyArray<PlainResource>).map((one) => object(one, agent))
    : [null]

const judgeConversion = (
  caller: Caller,
  operation: ConversionRequest,
  agent: AgentRecord | undefined,
): ConversionRequest => {
  const { action, words, object } = conversionRules[operation.type]
  const isAllowed = objectsOf(operation.resources, object, agent).every((of) => caller.isAllowed(action, of))
  if (isAllowed) return operation
  return { ...operation, unauthorized: `Not authorized to ${words} as '${caller.principal ?? ""}'` }
}

const judgeTask = (
  caller: Caller,
  frameworkId: string,
  frameworkUser: string,
  task: TaskRequest,
): TaskRequest => {
  const user = task.command?.user ?? frameworkUser
  // A number may be anybody's: only who may be everybody may say one.
  const judged = /^\d/.test(user) ? null : user
  if (caller.isAllowed("run_tasks", judged)) return task
  // Mesos's words, letter by letter.
  const unauthorized = `Principal '${caller.principal ?? ""}' no authorized to launch task ${task.taskId} of framework ${frameworkId} under user '${user}'`
  return { ...task, unauthorized }
}

/** The event with a note on everything in it that the caller may not do. */
export const judgeAccept = (caller: Caller, event: Accepted, state: MasterState): Accepted => {
  if (caller.isAdministrator) return event
  const { frameworkId } = event
  const offer = state.offers.get(event.offerIds[0] ?? "")
  const agent = offer === undefined ? undefined : state.agents.get(offer.agentId)
  const frameworkUser = state.frameworks.get(frameworkId)?.info.user ?? ""
  const operations = event.operations.map((operation): OperationRequest => {
    switch (operation.type) {
      case "LAUNCH":
      case "LAUNCH_GROUP":
        return {
          ...operation,
          tasks: operation.tasks.map((task) => judgeTask(caller, frameworkId, frameworkUser, task)),
        }
      case "RESERVE":
      case "UNRESERVE":
      case "CREATE":
      case "DESTROY":
        return judgeConversion(caller, operation, agent)
      default: {
        // Refused whoever asks. What is served one day needs a case above: the compiler asks for it.
        const unserved: UnservedRequest = operation
        return unserved
      }
    }
  })
  return { ...event, operations }
}
