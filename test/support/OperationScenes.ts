import type { ConversionRequest, OperationRequest } from "../../core/master/OperationRequest.ts"
import { type PlainResources, resourcesToPlain } from "../../core/resources/PlainForm.ts"
import type { Reservation, Resource } from "../../core/resources/Resource.ts"
import { resourceOf, toKind } from "../../core/resources/Resource.ts"
import { type Resources, toResources } from "../../core/resources/Resources.ts"
import { parseResources } from "../../core/resources/ResourceText.ts"
import { actionsOf, MasterHarness } from "./MasterHarness.ts"

// Stories of reservations and volumes.

/** `cpus:4;ports:[1-9]` */
export const amounts = (text: string): Resources => {
  const resources = parseResources(text)
  if (typeof resources === "string") throw new Error(resources)
  return resources
}

const level = (role: string, more: Partial<Reservation> = {}): Reservation => ({
  type: "dynamic",
  role,
  principal: null,
  labels: [],
  ...more,
})

/** The same, dynamically reserved for the stack of roles. */
export const reservedFor = (
  text: string,
  roles: ReadonlyArray<string>,
  top: Partial<Reservation> = {},
): Resources =>
  toResources(
    amounts(text).map(({ kind, value }) => {
      const reservations = roles.map((role, depth) => level(role, depth === roles.length - 1 ? top : {}))
      return resourceOf(toKind({ ...kind, reservations }), value)
    }),
  )

export const volumeOf = (
  id: string,
  role: string,
  diskMilli = 100_000,
  containerPath = "data",
  mode: "RW" | "RO" = "RW",
): Resources => {
  const disk = { persistence: { id, principal: null }, volume: { containerPath, mode }, source: null }
  const resource: Resource = resourceOf(
    toKind({ name: "disk", type: "scalar", reservations: [level(role)], disk }),
    diskMilli,
  )
  return toResources([resource])
}

export const plain = (...parts: ReadonlyArray<Resources>): PlainResources =>
  resourcesToPlain(toResources(parts.flat()))

export const operation = (
  type: ConversionRequest["type"],
  resources: PlainResources,
  operationId: string | null = null,
): OperationRequest => ({ type, operationId, resources, role: null, problem: null })

/** One host with disk and ports, and a framework of role `web` that is offered all of it. */
export const webOffered = (capabilities: ReadonlyArray<string> = ["RESERVATION_REFINEMENT"]) => {
  const master = new MasterHarness()
  const agentId = master.addAgent(plain(amounts("cpus:4;mem:4000;disk:1000;ports:[31000-31009]")))
  const framework = master.subscribe({ roles: ["web"], capabilities })
  const offers = actionsOf(master.settle(), "OfferResources")
  const accept = (operations: ReadonlyArray<OperationRequest>, principal: string | null = null) =>
    master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: master.offersOf(framework.id),
      operations,
      principal,
      refuseMs: 3_600_000,
    })
  return { master, agentId, framework, offerId: offers[0]!.offers[0]!.offer.id, accept }
}
