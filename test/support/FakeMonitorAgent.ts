import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { decodeMonitorLine } from "../../runtime/protocol/MonitorLines.ts"
import {
  type AgentLine,
  type MonitorLine,
  monitorProtocolVersion,
} from "../../runtime/protocol/MonitorProtocol.ts"

export type Granted = Extract<AgentLine, { type: "Granted" }>

/** The agent's end of monitor.sock for tests of the monitor: says exactly what it is told to. */
export interface FakeMonitorAgent {
  /** The agent's folder; `monitor.sock` lies in it. */
  readonly folder: string
  readonly lines: ReadonlyArray<MonitorLine>
  /** Connections so far. */
  readonly connections: () => number
  readonly say: (line: AgentLine) => void
  readonly sayText: (text: string) => void
  /** Answers each Hello with this, null = not; and each beat while true. */
  grant: Granted | null
  answersBeats: boolean
  readonly cut: () => void
  readonly close: () => Promise<void>
}

export const grantOf = (cgroupParent: string, cpuMilli = 2_000, memMilli = 4_000_000): Granted => ({
  type: "Granted",
  protocolVersion: monitorProtocolVersion,
  cgroupParent,
  lent: { cpuMilli, memMilli },
  tasks: [],
})

export const startFakeMonitorAgent = async (): Promise<FakeMonitorAgent> => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-fake-agent-"))
  const lines: Array<MonitorLine> = []
  const sockets = new Set<Socket>()
  let current: Socket | undefined
  let connections = 0
  const agent: FakeMonitorAgent = {
    folder,
    lines,
    connections: () => connections,
    say: (line) => agent.sayText(`${JSON.stringify(line)}\n`),
    sayText: (text) => current?.write(text),
    grant: null,
    answersBeats: false,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    close: async () => {
      agent.cut()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true })
    },
  }
  const take = (line: MonitorLine) => {
    lines.push(line)
    if (line.type === "Hello" && agent.grant !== null) agent.say(agent.grant)
    if (line.type === "Beat" && agent.answersBeats) agent.say({ type: "Heard", number: line.number })
  }
  const server: Server = createServer((socket) => {
    connections += 1
    current = socket
    sockets.add(socket)
    let rest = ""
    socket.setEncoding("utf8")
    socket.on("data", (chunk) => {
      const parts = (rest + chunk).split("\n")
      rest = parts.pop()!
      for (const part of parts) {
        // As a real agent reads it: what it would refuse fails the test.
        const decoded = decodeMonitorLine(part)
        if ("problem" in decoded) throw new Error(`the monitor said ${part}: ${decoded.problem}`)
        take(decoded.line)
      }
    })
    socket.on("error", () => undefined)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(join(folder, "monitor.sock"), resolve))
  return agent
}

/** Until something holds; the test's own limit ends it when it never does. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}
