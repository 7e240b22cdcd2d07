import { type ChildProcess, fork } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { pause } from "../Gleaner.ts"

/** What the library told its user. */
export interface ForeignEvent {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: objects of a foreign library, looked into by a test
  readonly data: any
}

export interface ForeignSettings {
  readonly host: string
  readonly port: string
  /** That it launches its tasks; otherwise it only takes its id over. */
  readonly isFresh: boolean
  readonly frameworkId?: string
  readonly staying?: string
  readonly ending?: string
  readonly ports?: number
}

const script = fileURLToPath(new URL("MesosFramework.cjs", import.meta.url))

/** A process with a framework over mesos-framework of npm; its log lies in the folder. */
export class ForeignFramework {
  readonly events: Array<ForeignEvent> = []
  private readonly child: ChildProcess

  constructor(
    packages: string,
    private readonly folder: string,
    settings: ForeignSettings,
  ) {
    mkdirSync(folder, { recursive: true })
    this.child = fork(script, [packages, JSON.stringify({ ports: 0, ...settings })], {
      cwd: folder,
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      // It would take the host's own variables for its own.
      env: { PATH: process.env.PATH ?? "" },
    })
    this.child.on("message", (event) => this.events.push(event as ForeignEvent))
  }

  call(call: string, ...words: ReadonlyArray<string>): void {
    this.child.send({ call, words })
  }

  ofType(type: string): ReadonlyArray<ForeignEvent["data"]> {
    return this.events.flatMap((event) => (event.type === type ? [event.data] : []))
  }

  errors(): ReadonlyArray<string> {
    return this.ofType("error")
  }

  /** The states of each task in the order in which they were told. */
  statesByTask(): ReadonlyMap<string, ReadonlyArray<string>> {
    const states = new Map<string, Array<string>>()
    for (const { status } of this.ofType("update")) {
      const id = status.task_id.value as string
      states.set(id, [...(states.get(id) ?? []), status.state])
    }
    return states
  }

  /** Tasks whose newest state it is. */
  tasksIn(state: string): ReadonlyArray<string> {
    const tasks = [...this.statesByTask()]
    return tasks.flatMap(([id, states]) => (states[states.length - 1] === state ? [id] : [])).sort()
  }

  agentOf(taskId: string): string {
    const update = this.ofType("update").find(({ status }) => status.task_id.value === taskId)
    return update.status.agent_id.value
  }

  /** Waits until it is so; when that takes too long, fails with what was heard by then. */
  async until(isSo: () => boolean, msMax = 30_000): Promise<void> {
    const endMs = performance.now() + msMax
    while (!isSo()) {
      if (performance.now() > endMs) throw new Error(`it does not come about: ${isSo}\n${this.tell()}`)
      await pause(20)
    }
  }

  tell(): string {
    const lines = this.events.map(({ type, data }) => `${type} ${JSON.stringify(data)?.slice(0, 300) ?? ""}`)
    return `${lines.slice(-40).join("\n")}\n${this.log()}`
  }

  /** It names its files after the day. */
  private log(): string {
    const files = readdirSync(this.folder).filter((name) => name.endsWith("foreign.log"))
    const lines = files.flatMap((name) => readFileSync(join(this.folder, name), "utf8").split("\n"))
    return lines.slice(-20).join("\n")
  }

  /** As when its host dies. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = new Promise((resolve) => this.child.once("exit", resolve))
    this.child.kill("SIGKILL")
    await ended
  }
}
