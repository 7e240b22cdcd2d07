import type { Decoded } from "../../protocol/MonitorLines.ts"
import {
  type HostAmounts,
  type MonitorLine,
  monitorProtocolVersion,
  type ToldTask,
} from "../../protocol/MonitorProtocol.ts"
import type { Freezing } from "./Freezing.ts"
import {
  type Beat,
  grant,
  type Hello,
  type LeaseBook,
  takeBeat,
  tasksToTell,
  whyNotGranted,
} from "./LeaseBook.ts"
import type { LeaseConnection } from "./LeaseSocket.ts"
import { tasksThatFit } from "./ToldTasks.ts"

/** What an agent needs to answer monitors. */
export interface Conversation {
  readonly book: LeaseBook
  readonly nowMs: () => number
  readonly cgroupParent: string
  readonly lent: HostAmounts
  readonly tasks: () => ReadonlyArray<ToldTask>
  readonly freezing: Freezing
  readonly evict: (containerId: string, why: string) => void
  /** Runs it once no write of the agent to the ceiling is under way. */
  readonly afterOwnWrites: (run: () => void) => void
  /** Takes the lease from its holder. */
  readonly revoke: (reason: string) => void
  /** After each beat. */
  readonly tellReserve: () => void
  readonly log: (message: string, annotations: Record<string, string | number>) => void
}

type Order = Extract<MonitorLine, { readonly containerId: string }>

/** Whoever talks nonsense is not to be trusted with the ceiling. */
const fault = (talk: Conversation, connection: LeaseConnection, problem: string): void => {
  if (talk.book.holder?.connection === connection) return talk.revoke(problem)
  talk.log("a connection to the monitor's socket is refused", { why: problem })
  connection.end({ type: "Refused", reason: problem })
}

const handOver = (talk: Conversation, connection: LeaseConnection, hello: Hello): void => {
  const { book, nowMs, cgroupParent, lent } = talk
  if (!connection.isOpen()) return
  const problem = whyNotGranted(book, hello)
  if (problem !== undefined) return fault(talk, connection, problem)
  book.holder?.connection.end({ type: "Revoked", reason: "the same monitor has connected anew" })
  const holder = grant(book, hello, connection, nowMs())
  const tasks = tasksThatFit(tasksToTell(holder, talk.tasks(), nowMs()) ?? [])
  connection.send({
    type: "Granted",
    protocolVersion: monitorProtocolVersion,
    cgroupParent,
    lent,
    tasks,
  })
  talk.log("a monitor holds the ceiling", { pid: hello.pid, version: hello.version })
}

const hear = (talk: Conversation, connection: LeaseConnection, beat: Beat): void => {
  const { book, nowMs } = talk
  const holder = book.holder!
  const problem = takeBeat(book, holder, beat, nowMs())
  if (problem !== undefined) return fault(talk, connection, problem)
  const tasks = talk.tasks()
  const news = tasksToTell(holder, tasks, nowMs())
  if (news === undefined) connection.send({ type: "Heard", number: beat.number })
  else {
    talk.freezing.thawAllBut(new Set(tasks.map(({ containerId }) => containerId)))
    connection.send({ type: "Heard", number: beat.number, tasks: tasksThatFit(news) })
  }
  talk.tellReserve()
}

const obey = (talk: Conversation, order: Order): void => {
  const { containerId } = order
  if (!talk.tasks().some((task) => task.containerId === containerId)) {
    // It may just have ended; the next answer says what there is.
    if (talk.book.holder !== null) talk.book.holder.toldAtMs = null
    return talk.log("an order for a task that is not here", { order: order.type, containerId })
  }
  switch (order.type) {
    case "Freeze":
      return talk.freezing.freeze(containerId, order.why)
    case "Thaw":
      return talk.freezing.thaw(containerId)
    case "Evict":
      // A frozen task could not use its grace.
      talk.freezing.thaw(containerId)
      return talk.evict(containerId, order.why)
  }
}

/** Takes one line in; any fault ends the connection. `greeted` are those that have said Hello. */
export const makeConversation = (talk: Conversation) => {
  const greeted = new WeakSet<LeaseConnection>()
  return (connection: LeaseConnection, decoded: Decoded<MonitorLine>): void => {
    if ("problem" in decoded) return fault(talk, connection, decoded.problem)
    const { line } = decoded
    if (line.type === "Hello") {
      if (greeted.has(connection)) return fault(talk, connection, "Hello is said once on a connection")
      greeted.add(connection)
      return talk.afterOwnWrites(() => handOver(talk, connection, line))
    }
    if (talk.book.holder?.connection !== connection)
      return fault(talk, connection, `${line.type} before Granted`)
    return line.type === "Beat" ? hear(talk, connection, line) : obey(talk, line)
  }
}
