import type { Unavailability } from "../../core/allocation/InverseOffers.ts"
import type { InverselyOfferedHost, MasterAction, OfferedHost } from "../../core/master/Action.ts"
import { hasCapability } from "../../core/master/Context.ts"
import type { OperationStatus } from "../../core/master/Operation.ts"
import type { AgentRecord, FrameworkRecord, NetworkAddress, TextAttribute } from "../../core/master/State.ts"
import type { TaskStatus } from "../../core/Task.ts"
import { hostAndPort, type Scheme } from "../http/HttpUrl.ts"
import { resourcesToWire } from "./Resources.ts"
import { uuidToWire } from "./Uuid.ts"

// Events of the v1 scheduler API as JSON values, keys in the order of the .proto (spec/mesos.md §2.5).

/** The master as it presents itself in SUBSCRIBED. */
export interface MasterIdentity {
  readonly masterId: string
  readonly version: string
  readonly address: NetworkAddress
  /** How to speak with this cluster, agents and master alike; default http. */
  readonly scheme?: Scheme
}

export const heartbeatMs = 15_000

export const heartbeatEvent = { type: "HEARTBEAT" }

export const errorEvent = (message: string) => ({ type: "ERROR", error: { message } })

/** The event that an action is on the wire; undefined for actions that are no scheduler event. */
export const actionToEvent = (action: MasterAction, master: MasterIdentity): object | undefined => {
  switch (action.type) {
    case "ConfirmSubscription":
      return {
        type: "SUBSCRIBED",
        subscribed: {
          framework_id: { value: action.framework.id },
          heartbeat_interval_seconds: heartbeatMs / 1000,
          master_info: masterInfo(master),
        },
      }
    case "RefuseSubscription":
      return errorEvent(action.message)
    case "OfferResources":
      return {
        type: "OFFERS",
        offers: { offers: action.offers.map((host) => offerToWire(host, action.framework, master.scheme)) },
      }
    case "RescindOffer":
      return { type: "RESCIND", rescind: { offer_id: { value: action.offerId } } }
    case "SendStatus":
      return { type: "UPDATE", update: { status: statusToWire(action.status) } }
    case "SendOperationStatus":
      return {
        type: "UPDATE_OPERATION_STATUS",
        update_operation_status: { status: operationStatusToWire(action.status) },
      }
    case "OfferInversely":
      return {
        type: "INVERSE_OFFERS",
        inverse_offers: {
          inverse_offers: action.offers.map((offered) => inverseOfferToWire(offered, master.scheme)),
        },
      }
    case "RescindInverseOffer":
      return {
        type: "RESCIND_INVERSE_OFFER",
        rescind_inverse_offer: { inverse_offer_id: { value: action.inverseOfferId } },
      }
    case "ReportAgentFailure":
      return { type: "FAILURE", failure: { agent_id: { value: action.agentId } } }
    case "ReportExecutorEnd":
      return {
        type: "FAILURE",
        failure: {
          agent_id: { value: action.agentId },
          executor_id: { value: action.executorId },
          status: 0,
        },
      }
    default:
      return undefined
  }
}

export const masterInfo = ({ masterId, version, address }: MasterIdentity) => ({
  id: masterId,
  ip: ipToNumber(address.ip),
  port: address.port,
  pid: `master@${hostAndPort(address.ip, address.port)}`,
  hostname: address.hostname,
  version,
  address: { hostname: address.hostname, ip: address.ip, port: address.port },
  capabilities: masterCapabilities.map((type) => ({ type })),
})

/** Agents send their totals anew when they change, can be drained, and roles may have limits (spec/mesos.md §9). */
export const masterCapabilities = ["AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"]

/** Four octets in network order read as a little-endian number (spec/mesos.md §2.5). */
const ipToNumber = (ip: string): number =>
  ip.split(".").reduceRight((number, octet) => number * 256 + (Number(octet) || 0), 0)

const agentUrl = ({ address: { hostname, ip, port } }: AgentRecord, scheme: Scheme = "http") => ({
  scheme,
  address: { hostname, ip, port },
  path: "/slave(1)",
})

const inverseOfferToWire = ({ offer, agent }: InverselyOfferedHost, scheme: Scheme | undefined) => ({
  id: { value: offer.id },
  url: agentUrl(agent, scheme),
  framework_id: { value: offer.frameworkId },
  agent_id: { value: offer.agentId },
  unavailability: unavailabilityToWire(offer.unavailability),
})

export const unavailabilityToWire = ({ startNanos, durationNanos }: Unavailability) => ({
  start: { nanoseconds: startNanos },
  ...(durationNanos === null ? {} : { duration: { nanoseconds: durationNanos } }),
})

export const offerToWire = (
  { offer, agent, unavailability, executorIds = [] }: OfferedHost,
  framework: FrameworkRecord,
  scheme?: Scheme,
) => {
  const isMultiRole = hasCapability(framework, "MULTI_ROLE")
  return {
    id: { value: offer.id },
    framework_id: { value: offer.frameworkId },
    agent_id: { value: offer.agentId },
    hostname: agent.address.hostname,
    url: agentUrl(agent, scheme),
    resources: resourcesToWire(offer.resources, {
      withRole: !hasCapability(framework, "RESERVATION_REFINEMENT"),
      allocatedTo: isMultiRole ? offer.role : null,
    }),
    ...attributesToWire(agent.attributes),
    ...(executorIds.length === 0 ? {} : { executor_ids: executorIds.map((value) => ({ value })) }),
    ...(unavailability === null ? {} : { unavailability: unavailabilityToWire(unavailability) }),
    ...(isMultiRole ? { allocation_info: { role: offer.role } } : {}),
  }
}

export const operationStatusToWire = ({ operationId, state, message, uuid, agentId }: OperationStatus) => ({
  operation_id: { value: operationId },
  state,
  ...(message === null ? {} : { message }),
  ...(uuid === null ? {} : { uuid: { value: uuidToWire(uuid) } }),
  ...(agentId === null ? {} : { agent_id: { value: agentId } }),
})

export const attributesToWire = (attributes: ReadonlyArray<TextAttribute>): object =>
  attributes.length === 0
    ? {}
    : { attributes: attributes.map(({ name, value }) => ({ name, type: "TEXT", text: { value } })) }

/** Older endpoints leave the pid out (transcript legacy/busy_frameworks). */
export const containerStatus = (
  value: string,
  { parentContainerId, executorPid, ip }: Pick<TaskStatus, "parentContainerId" | "executorPid" | "ip">,
  withPid: boolean,
) => ({
  container_id: {
    value,
    ...(parentContainerId === undefined ? {} : { parent: { value: parentContainerId } }),
  },
  ...(ip === undefined
    ? {}
    : {
        network_infos: [{ ip_addresses: [{ protocol: ip.includes(":") ? "IPv6" : "IPv4", ip_address: ip }] }],
      }),
  ...(executorPid === undefined || !withPid ? {} : { executor_pid: executorPid }),
})

export const statusToWire = (status: TaskStatus) => ({
  task_id: { value: status.taskId },
  state: status.state,
  ...(status.message === null ? {} : { message: status.message }),
  source: status.source,
  ...(status.reason === null ? {} : { reason: status.reason }),
  ...(status.agentId === null ? {} : { agent_id: { value: status.agentId } }),
  // Of a command task the executor's id is the task's (spec/mesos.md §3.4).
  ...(status.source === "SOURCE_MASTER"
    ? {}
    : { executor_id: { value: status.executorId ?? status.taskId } }),
  timestamp: status.wallMs / 1000,
  ...(status.uuid === null ? {} : { uuid: uuidToWire(status.uuid) }),
  ...(status.labels.length === 0 ? {} : { labels: { labels: status.labels } }),
  ...(status.containerId === null
    ? {}
    : { container_status: containerStatus(status.containerId, status, true) }),
  ...(status.unreachableWallMs === undefined
    ? {}
    : { unreachable_time: { nanoseconds: status.unreachableWallMs * 1e6 } }),
})
