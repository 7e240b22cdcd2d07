import type { RecordStream, StreamEnd } from "../../runtime/http/RecordStream.ts"

// biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol, looked into by tests
type Json = any

/** What events are told of, and nothing else of what GET_STATE says. */
export interface MirroredState {
  readonly agents: ReadonlyArray<unknown>
  readonly recoveredAgents: ReadonlyArray<unknown>
  readonly frameworks: ReadonlyArray<unknown>
  /** Those that have not ended. */
  readonly tasks: ReadonlyArray<unknown>
}

const ended = ["FINISHED", "FAILED", "KILLED", "ERROR", "LOST", "DROPPED", "GONE", "GONE_BY_OPERATOR"]
  .concat("UNKNOWN")
  .map((name) => `TASK_${name}`)

const agentOf = ({ agent_info, version, pid }: Json) => ({ agent_info, version, pid })
const frameworkOf = ({ framework_info, active, connected }: Json) => ({ framework_info, active, connected })
const taskOf = ({ task_id, framework_id, agent_id, name, resources, state }: Json) => ({
  ...{ task_id, framework_id, agent_id, name, resources, state },
})

/**
 * A client of the operator API's SUBSCRIBE, as one would write it from Mesos's documentation: it starts from the state that comes
 * first and applies the events. What cannot be applied throws.
 */
export class ClusterMirror {
  readonly events: Array<Json> = []
  private readonly agents = new Map<string, Json>()
  private readonly recoveredAgents = new Map<string, Json>()
  private readonly frameworks = new Map<string, Json>()
  private readonly tasks = new Map<string, Json>()

  apply(event: Json): void {
    this.events.push(event)
    const isFirst = this.events.length === 1
    if (isFirst !== (event.type === "SUBSCRIBED"))
      throw new Error(`event ${this.events.length} is ${event.type}`)
    switch (event.type) {
      case "SUBSCRIBED":
        return this.start(event.subscribed.get_state)
      case "AGENT_ADDED":
        this.recoveredAgents.delete(event.agent_added.agent.agent_info.id.value)
        this.agents.set(event.agent_added.agent.agent_info.id.value, event.agent_added.agent)
        return
      case "AGENT_REMOVED": {
        const id = event.agent_removed.agent_id.value
        return forget(this.recoveredAgents.has(id) ? this.recoveredAgents : this.agents, id)
      }
      case "FRAMEWORK_ADDED": {
        const { framework } = event.framework_added
        if (this.frameworks.has(framework.framework_info.id.value)) throw new Error("added twice")
        this.frameworks.set(framework.framework_info.id.value, framework)
        return
      }
      case "FRAMEWORK_UPDATED": {
        const { framework } = event.framework_updated
        known(this.frameworks, framework.framework_info.id.value)
        this.frameworks.set(framework.framework_info.id.value, framework)
        return
      }
      case "FRAMEWORK_REMOVED":
        return forget(this.frameworks, event.framework_removed.framework_info.id.value)
      case "TASK_ADDED":
        return this.add(event.task_added.task)
      case "TASK_UPDATED":
        return this.update(event.task_updated)
      case "HEARTBEAT":
        return
      default:
        throw new Error(`unknown event ${event.type}`)
    }
  }

  private start({ get_agents, get_frameworks, get_tasks }: Json): void {
    for (const agent of get_agents.recovered_agents) this.recoveredAgents.set(agent.id.value, agent)
    for (const agent of get_agents.agents) this.agents.set(agent.agent_info.id.value, agent)
    for (const framework of get_frameworks.frameworks)
      this.frameworks.set(framework.framework_info.id.value, framework)
    // Unreachable ones are remembered with their framework, also when that has left.
    const unreachable = get_tasks.unreachable_tasks.filter(({ framework_id }: Json) =>
      this.frameworks.has(framework_id.value),
    )
    for (const task of [...get_tasks.tasks, ...unreachable]) this.tasks.set(keyOf(task), task)
  }

  private add(task: Json): void {
    known(this.frameworks, task.framework_id.value)
    // The id of one that has ended may be used again.
    const before = this.tasks.get(keyOf(task))
    if (before !== undefined && !ended.includes(before.state)) throw new Error(`${keyOf(task)} added twice`)
    this.tasks.set(keyOf(task), task)
  }

  private update({ framework_id, status, state }: Json): void {
    const key = keyOf({ framework_id, task_id: status.task_id })
    const task = known(this.tasks, key)
    if (task.state === state) throw new Error(`${key} was ${state} already`)
    this.tasks.set(key, { ...task, state })
  }

  view(): MirroredState {
    return {
      agents: sorted([...this.agents.values()].map(agentOf)),
      recoveredAgents: sorted([...this.recoveredAgents.values()].map(({ id }) => id)),
      frameworks: sorted([...this.frameworks.values()].map(frameworkOf)),
      tasks: sorted([...this.tasks.values()].filter(({ state }) => !ended.includes(state)).map(taskOf)),
    }
  }
}

const keyOf = ({ framework_id, task_id }: Json): string => `${framework_id.value}/${task_id.value}`

const known = <A>(map: ReadonlyMap<string, A>, key: string): A => {
  const value = map.get(key)
  if (value === undefined) throw new Error(`${key} was never told`)
  return value
}

const forget = (map: Map<string, Json>, key: string): void => {
  if (!map.delete(key)) throw new Error(`${key} removed and not there`)
}

const sorted = (values: ReadonlyArray<object>): ReadonlyArray<unknown> =>
  values.map((value) => JSON.stringify(value)).sort()

/** The same of what GET_STATE says. */
export const mirrored = (getState: object): MirroredState => {
  const mirror = new ClusterMirror()
  mirror.apply({ type: "SUBSCRIBED", subscribed: { get_state: JSON.parse(JSON.stringify(getState)) } })
  return mirror.view()
}

/** A stream whose reader is a mirror. */
export const mirrorStream = () => {
  const mirror = new ClusterMirror()
  const listeners: Array<(end: StreamEnd) => void> = []
  let isOpen = true
  const end = () => {
    isOpen = false
    for (const listener of listeners.splice(0)) listener("Ended")
  }
  const sendEncoded = (record: string | Buffer) => {
    const text = record.toString("latin1")
    if (isOpen) mirror.apply(JSON.parse(text.slice(text.indexOf("\n") + 1)))
    return isOpen
  }
  const stream: RecordStream = {
    send: (json) => sendEncoded(`\n${json}`),
    sendEncoded,
    end,
    isOpen: () => isOpen,
    waitingBytes: () => 0,
    onClosed: (listener) => {
      listeners.push(listener)
    },
  }
  return { mirror, stream }
}
