import { readFileSync } from "node:fs"
import { CallConnection } from "./Connection.ts"
import { EmulatedAgent, type EmulatedHost } from "./EmulatedAgent.ts"
import { type Demand, EmulatedFramework } from "./EmulatedFramework.ts"
import { Ledger } from "./Ledger.ts"
import type { MasterProcess } from "./MasterProcess.ts"

/** How many agents join at once. */
const joiningMax = 200

/** What is left of this process's files for connections on which agents report; and of the master's, which has the same bound. */
const reportConnectionsOf = (agents: number): number => {
  const limit = Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "latin1"))?.[1])
  return Math.max(1, Math.min(agents, limit - agents - 500))
}

/** All that is played to one master. The first thing that goes wrong fails {@link failed}. */
export class Emulation {
  readonly port: number
  /** Of every request. */
  readonly fields: string
  readonly ledger = new Ledger()
  readonly agents: Array<EmulatedAgent> = []
  readonly frameworks: Array<EmulatedFramework> = []
  readonly failed: Promise<never>
  readonly fail: (why: string) => void
  private readonly closers: Array<() => void> = []
  private isClosed = false

  constructor({ port, secret }: MasterProcess) {
    this.port = port
    this.fields = `Authorization: Bearer ${secret}\r\n`
    let reject = (_: Error) => {}
    this.failed = new Promise((_, rejectWith) => {
      reject = rejectWith
    })
    this.failed.catch(() => {})
    this.fail = (why) => {
      if (!this.isClosed) reject(new Error(why))
    }
  }

  /** Whatever takes time ends when something goes wrong. */
  during<A>(work: Promise<A>): Promise<A> {
    return Promise.race([work, this.failed])
  }

  pause(ms: number): Promise<void> {
    return this.during(new Promise((resolve) => setTimeout(resolve, ms)))
  }

  onClose(close: () => void): void {
    this.closers.push(close)
  }

  calls(): CallConnection {
    const connection = new CallConnection(this.port, this.fields, (why) => this.fail(`calls: ${why}`))
    this.onClose(() => connection.close())
    return connection
  }

  /** Returns when all have joined. */
  async addAgents(count: number, hostOf: (index: number) => Omit<EmulatedHost, "index">): Promise<void> {
    const connections = Array.from({ length: reportConnectionsOf(count) }, () => this.calls())
    this.startBeating()
    for (let index = 0; index < count; index++) {
      const agent = new EmulatedAgent(this, connections[index % connections.length]!, {
        index,
        ...hostOf(index),
      })
      this.agents.push(agent)
      if (index >= joiningMax) await this.during(this.agents[index - joiningMax]!.registered)
    }
    await this.during(Promise.all(this.agents.map(({ registered }) => registered)))
  }

  async addFrameworks(count: number, demand: Demand, idOf?: (index: number) => string): Promise<void> {
    for (let index = 0; index < count; index++)
      this.frameworks.push(new EmulatedFramework(this, index, demand, idOf?.(index)))
    await this.during(Promise.all(this.frameworks.map(({ subscribed }) => subscribed)))
  }

  /** Agents that have nothing to say say so as often as the master wants it. */
  private startBeating(): void {
    let next = 0
    const timer = setInterval(() => {
      const nowMs = performance.now()
      const share = Math.ceil(this.agents.length / 5)
      for (let count = 0; count < share; count++) this.agents[next++ % this.agents.length]!.beat(nowMs)
    }, 100)
    this.onClose(() => clearInterval(timer))
  }

  close(): void {
    this.isClosed = true
    for (const close of this.closers.splice(0)) close()
  }
}
