/** What `gleaner run` was asked for, in Mesos's units. */
export interface RunRequest {
  readonly name: string
  readonly cpus: number
  readonly memMiB: number
  readonly user: string | undefined
  readonly role: string
  readonly environment: ReadonlyArray<{ readonly name: string; readonly value: string }>
  /** argv; at least one word. */
  readonly command: ReadonlyArray<string>
}

const scalar = (name: string, value: number) => ({ name, type: "SCALAR", scalar: { value } })

/** The task as a v1 TaskInfo. The words are executed as they are, without another shell in between. */
export const toTaskInfo = (request: RunRequest, taskId: string, agentId: string) => ({
  name: request.name,
  task_id: { value: taskId },
  agent_id: { value: agentId },
  resources: [scalar("cpus", request.cpus), scalar("mem", request.memMiB)],
  command: {
    shell: false,
    value: request.command[0],
    arguments: request.command,
    ...(request.user === undefined ? {} : { user: request.user }),
    ...(request.environment.length === 0 ? {} : { environment: { variables: request.environment } }),
  },
})

/** The parts of a v1 offer that placing one task needs. */
export interface WireOffer {
  readonly id: { readonly value: string }
  readonly agent_id: { readonly value: string }
  readonly hostname: string
  readonly url?: {
    readonly address: { readonly ip?: string; readonly hostname: string; readonly port: number }
  }
  readonly resources: ReadonlyArray<{
    readonly name: string
    readonly scalar?: { readonly value: number }
    readonly role?: string
    readonly reservations?: ReadonlyArray<unknown>
  }>
}

/** Thousandths, as Mesos compares: sums of fractions drift otherwise. */
const toMilli = (units: number): number => Math.round(units * 1000)

const offeredMilli = (offer: WireOffer, name: string): number =>
  offer.resources
    .filter(({ role = "*", reservations = [] }) => role === "*" && reservations.length === 0)
    .filter((resource) => resource.name === name)
    .reduce((sum, resource) => sum + toMilli(resource.scalar?.value ?? 0), 0)

/** Whether what is offered and not reserved for anyone is enough; reserved resources need a request of their own. */
export const fitsOffer = (request: RunRequest, offer: WireOffer): boolean =>
  offeredMilli(offer, "cpus") >= toMilli(request.cpus) &&
  offeredMilli(offer, "mem") >= toMilli(request.memMiB)
