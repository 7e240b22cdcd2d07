import type { StatusNote } from "../../core/master/StatusNotes.ts"
import type { Quantities } from "../../core/resources/Quantities.ts"
import type { ResourceValue } from "../../core/resources/Resource.ts"
import { type Resources, scalarQuantities } from "../../core/resources/Resources.ts"
import { addValues, type ValueType, valueToText } from "../../core/resources/ResourceValue.ts"
import { containerStatus } from "./SchedulerEvent.ts"

// Parts of the JSON endpoints from before the v1 API, as masters and agents write them.

/** Without its message, which the older endpoints do not tell. */
export const noteView = (note: StatusNote) => ({
  state: note.state,
  timestamp: note.wallMs / 1000,
  ...(note.labels === undefined ? {} : { labels: note.labels }),
  ...(note.containerId === undefined
    ? {}
    : { container_status: containerStatus(note.containerId, note, false) }),
})

/** Plain numbers in Mesos's units; the usual scalars print as 0 when absent. */
export const scalarsView = (amounts: Quantities): Record<string, number> => {
  const view: Record<string, number> = { cpus: 0, gpus: 0, mem: 0, disk: 0 }
  for (const [name, milli] of Object.entries(amounts)) view[name] = milli / 1000
  return view
}

/** The scalars, and ranges and sets as text, as Mesos shows them. */
export const resourcesView = (resources: Resources): Record<string, number | string> => {
  const view: Record<string, number | string> = scalarsView(scalarQuantities(resources))
  const others = new Map<string, { readonly type: ValueType; readonly value: ResourceValue }>()
  for (const { kind, value } of resources) {
    if (kind.type === "scalar") continue
    const known = others.get(kind.name)
    const sum = known === undefined ? value : addValues(kind.type, known.value, value)
    others.set(kind.name, { type: kind.type, value: sum })
  }
  for (const [name, { type, value }] of others) view[name] = valueToText(type, value)
  return view
}
