import type { TaskSpec } from "../Task.ts"
import type { AgentState } from "./State.ts"

// An agent registers with all its tasks, commands included, and a master takes only so much: what does not fit could
// never come back (runtime/protocol/AgentProtocol.ts).

/** What the specs of an agent's tasks may take together as JSON in UTF-8, bytes; the statuses need room as well. */
export const specBytesMax = 48 * 1024 * 1024

const knownBytes = new WeakMap<TaskSpec, number>()

const specBytes = (spec: TaskSpec): number => {
  let bytes = knownBytes.get(spec)
  if (bytes === undefined) {
    bytes = utf8Bytes(JSON.stringify(spec))
    knownBytes.set(spec, bytes)
  }
  return bytes
}

/** Of a half of a surrogate pair 3, so of a pair more than its 4. */
const utf8Bytes = (text: string): number => {
  let bytes = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : 3
  }
  return bytes
}

/** Whether more tasks fit beside those of which something is left on this host. */
export const hasRoomFor = (state: AgentState, specs: ReadonlyArray<TaskSpec>): boolean => {
  let bytes = specs.reduce((sum, spec) => sum + specBytes(spec), 0)
  state.tasks.forEach((task) => {
    if (task.phase !== "gone") bytes += specBytes(task.spec)
  })
  return bytes <= specBytesMax
}

/** The spec of a task of which only statuses are left: what it executed matters to nobody any more. */
export const withoutCommand = ({ shown, ...spec }: TaskSpec): TaskSpec => ({
  ...spec,
  command: { shell: spec.command.shell, value: "", arguments: [], environment: [], user: spec.command.user },
  labels: [],
})
