import { Either, Schema } from "effect"
import type { MachineId, MaintenanceWindow } from "../../core/master/HostRecords.ts"
import { machineId, schedule } from "./messages/OperatorCall.ts"
import { Double, listOf, messageDecoder, messagesDecoder } from "./ProtoJson.ts"

// Maintenance schedules and lists of machines as JSON (spec/mesos.md §1.11), in calls and as bodies of the older endpoints.

const Machine = Schema.Struct({
  hostname: Schema.optionalWith(Schema.String, { default: () => "" }),
  ip: Schema.optionalWith(Schema.String, { default: () => "" }),
})

export const Machines = listOf(Machine)

/** A journal cannot hold what is no number, and a window that comes back as another one would be news to everybody. */
const Moment = Schema.Struct({ nanoseconds: Double.pipe(Schema.filter(Number.isFinite)) })

export const Schedule = Schema.Struct({
  windows: listOf(
    Schema.Struct({
      machine_ids: Machines,
      unavailability: Schema.Struct({ start: Moment, duration: Schema.optional(Moment) }),
    }),
  ),
})
export type WireSchedule = typeof Schedule.Type

export const wireToWindows = ({ windows }: WireSchedule): ReadonlyArray<MaintenanceWindow> =>
  windows.map(({ machine_ids, unavailability: { start, duration } }) => ({
    machines: machine_ids.map(({ hostname, ip }) => ({ hostname, ip })),
    unavailability: { startNanos: start.nanoseconds, durationNanos: duration?.nanoseconds ?? null },
  }))

const decodeSchedule = messageDecoder(schedule, Schedule)

/** The body of POST /maintenance/schedule, or what is wrong with it. */
export const readSchedule = (json: unknown): Either.Either<ReadonlyArray<MaintenanceWindow>, string> =>
  Either.map(decodeSchedule(json), wireToWindows)

/** The body of POST /machine/down and /machine/up: a list of machines; or what is wrong with it. */
export const readMachines: (json: ReadonlyArray<unknown>) => Either.Either<ReadonlyArray<MachineId>, string> =
  messagesDecoder(machineId, Machine)

export const machineToWire = ({ hostname, ip }: MachineId) => ({
  ...(hostname === "" ? {} : { hostname }),
  ...(ip === "" ? {} : { ip }),
})
