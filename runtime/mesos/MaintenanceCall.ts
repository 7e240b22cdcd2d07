import { Either, Schema } from "effect"
import type { MachineId, MaintenanceWindow } from "../../core/master/HostRecords.ts"
import { callDecoder, Duration, listOf } from "./ProtoJson.ts"
import type { CallRejection } from "./SchedulerCall.ts"

// Maintenance schedules and lists of machines as JSON (spec/mesos.md §1.11), in calls and as bodies of the older endpoints.

const Machine = Schema.Struct({
  hostname: Schema.optionalWith(Schema.String, { default: () => "" }),
  ip: Schema.optionalWith(Schema.String, { default: () => "" }),
})

export const Machines = listOf(Machine)

export const Schedule = Schema.Struct({
  windows: listOf(
    Schema.Struct({
      machine_ids: Machines,
      unavailability: Schema.Struct({ start: Duration, duration: Schema.optional(Duration) }),
    }),
  ),
})
export type WireSchedule = typeof Schedule.Type

export const wireToWindows = ({ windows }: WireSchedule): ReadonlyArray<MaintenanceWindow> =>
  windows.map(({ machine_ids, unavailability: { start, duration } }) => ({
    machines: machine_ids.map(({ hostname, ip }) => ({ hostname, ip })),
    unavailability: { startNanos: start.nanoseconds, durationNanos: duration?.nanoseconds ?? null },
  }))

const rejection = (message: string): CallRejection => ({ status: 400, message })

const decodeSchedule = callDecoder(Schedule)

/** The body of POST /maintenance/schedule. */
export const readSchedule = (json: object): Either.Either<ReadonlyArray<MaintenanceWindow>, CallRejection> =>
  Either.mapBoth(decodeSchedule(json), { onLeft: rejection, onRight: wireToWindows })

const decodeMachines = callDecoder(Schema.Struct({ machines: Schema.Array(Machine) }))

/** The body of POST /machine/down and /machine/up: a list of machines. */
export const readMachines = (json: unknown): Either.Either<ReadonlyArray<MachineId>, CallRejection> =>
  Either.mapBoth(decodeMachines({ machines: json }), {
    onLeft: rejection,
    onRight: ({ machines }) => machines,
  })

export const machineToWire = ({ hostname, ip }: MachineId) => ({
  ...(hostname === "" ? {} : { hostname }),
  ...(ip === "" ? {} : { ip }),
})
