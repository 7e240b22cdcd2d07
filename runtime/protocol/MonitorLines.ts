import {
  type AgentLine,
  type CeilingInForce,
  type HostAmounts,
  type HostUse,
  lineBytesMax,
  type MonitorLine,
  monitorProtocolVersion,
  type ToldTask,
} from "./MonitorProtocol.ts"

// The text form of MonitorProtocol.ts, for both ends: one JSON object a line. Plain checks, because the monitor keeps
// its period without a schema library. What is no line of the protocol becomes a sentence, never an exception; fields
// that are not known are left out.

/** A line as it was sent, or why it is none. */
export type Decoded<Line> = { readonly line: Line } | { readonly problem: string }

/** Bytes of a socket's path that fit into `sun_path` with its final zero (unix(7)). */
export const socketPathBytesMax = 107

/** Why a path cannot be that of a socket, with the remedy; undefined when it can. */
export const socketPathProblem = (path: string): string | undefined => {
  const bytes = Buffer.byteLength(path)
  return bytes <= socketPathBytesMax
    ? undefined
    : `${path} has ${bytes} bytes, the path of a unix socket may have ${socketPathBytesMax}: choose a shorter folder with --data, or reach it through a symbolic link`
}

/** Tasks in one line, at most. */
export const tasksMax = 10_000

/** Amounts stay below a thousand million of Mesos's units, as between agent and master. */
const milliMax = 1e12
const idCharsMax = 1_024
const sentenceCharsMax = 16 * 1_024
const policyCharsMax = 256 * 1_024

/** Says what is wrong with a value into `problems`, in the order of the fields; else the value as it is taken over. */
type Check<A> = (value: unknown, place: string, problems: Array<string>) => A

const text =
  (charsMax: number): Check<string> =>
  (value, place, problems) => {
    if (typeof value !== "string" || value.length > charsMax)
      problems.push(`${place}: a text of at most ${charsMax} characters is expected`)
    return value as string
  }

const whole =
  (min: number, max: number): Check<number> =>
  (value, place, problems) => {
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
      problems.push(`${place}: a whole number from ${min} to ${max} is expected`)
    return value as number
  }

/** A span of time, which need not be whole. */
const spanMs: Check<number> = (value, place, problems) => {
  if (typeof value !== "number" || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER))
    problems.push(`${place}: a number from 0 on is expected`)
  return value as number
}

const flag: Check<boolean> = (value, place, problems) => {
  if (typeof value !== "boolean") problems.push(`${place}: true or false is expected`)
  return value as boolean
}

const orNull =
  <A>(check: Check<A>): Check<A | null> =>
  (value, place, problems) =>
    value === null ? null : check(value, place, problems)

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

type Checks<A> = { readonly [Name in keyof A]-?: Check<A[Name]> }

/** An object of exactly these fields; one whose check answers `undefined` is left out. */
const struct = <A extends object>(checks: Checks<A>): Check<A> => {
  const names = Object.keys(checks) as Array<keyof A & string>
  return (value, place, problems) => {
    const taken: Partial<A> = {}
    if (!isObject(value)) {
      problems.push(`${place}: an object is expected`)
      return taken as A
    }
    for (const name of names) {
      // Never what an object inherits.
      const field = Object.hasOwn(value, name) ? value[name] : undefined
      const checked = checks[name](field, `${place}.${name}`, problems)
      if (checked !== undefined) taken[name] = checked
    }
    return taken as A
  }
}

const listOf =
  <A>(check: Check<A>, lengthMax: number): Check<ReadonlyArray<A>> =>
  (value, place, problems) => {
    if (!Array.isArray(value) || value.length > lengthMax) {
      problems.push(`${place}: a list of at most ${lengthMax} is expected`)
      return []
    }
    return value.map((item, index) => check(item, `${place}[${index}]`, problems))
  }

const constant =
  <A extends string>(expected: A): Check<A> =>
  () =>
    expected

const optional =
  <A>(check: Check<A>): Check<A | undefined> =>
  (value, place, problems) =>
    value === undefined ? undefined : check(value, place, problems)

const milli = whole(0, milliMax)
const count = whole(0, Number.MAX_SAFE_INTEGER)
const id = text(idCharsMax)
const sentence = text(sentenceCharsMax)
const amounts = struct<HostAmounts>({ cpuMilli: milli, memMilli: milli })
const measured = struct<CeilingInForce>({ cpuMilli: orNull(milli), memMilli: orNull(milli) })
const use = struct<HostUse>({ capacity: amounts, primary: measured, harvest: measured })

const toldTask = struct<ToldTask>({
  containerId: id,
  frameworkId: id,
  taskId: id,
  priority: whole(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  ageMs: count,
  lostWork: count,
  cpuMilli: milli,
  memMilli: milli,
  isFrozen: flag,
})
const toldTasks = listOf(toldTask, tasksMax)

type LineOf<Line, Type> = Extract<Line, { readonly type: Type }>

const hello = struct<LineOf<MonitorLine, "Hello">>({
  type: constant("Hello"),
  protocolVersion: count,
  pid: whole(1, 2 ** 31 - 1),
  version: id,
  policy: text(policyCharsMax),
})
const beat = struct<LineOf<MonitorLine, "Beat">>({
  type: constant("Beat"),
  number: whole(1, Number.MAX_SAFE_INTEGER),
  reserve: orNull(amounts),
  use,
  ceiling: measured,
  notBiting: count,
  missedSamples: count,
  lowered: count,
  raised: count,
  lateMs: spanMs,
})
const granted = struct<LineOf<AgentLine, "Granted">>({
  type: constant("Granted"),
  protocolVersion: count,
  cgroupParent: id,
  lent: amounts,
  tasks: toldTasks,
})

const monitorChecks: ReadonlyMap<unknown, Check<MonitorLine>> = new Map<string, Check<MonitorLine>>([
  ["Hello", hello],
  ["Beat", beat],
  ["Freeze", struct({ type: constant("Freeze"), containerId: id, why: sentence })],
  ["Thaw", struct({ type: constant("Thaw"), containerId: id })],
  ["Evict", struct({ type: constant("Evict"), containerId: id, why: sentence })],
])

const heard = struct<LineOf<AgentLine, "Heard">>({
  type: constant("Heard"),
  number: whole(1, Number.MAX_SAFE_INTEGER),
  tasks: optional(toldTasks) as Check<ReadonlyArray<ToldTask>>,
})

const agentChecks: ReadonlyMap<unknown, Check<AgentLine>> = new Map<string, Check<AgentLine>>([
  ["Granted", granted],
  ["Heard", heard],
  ["Refused", struct({ type: constant("Refused"), reason: sentence })],
  ["Revoked", struct({ type: constant("Revoked"), reason: sentence })],
])

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}

const decode = <Line>(
  line: string,
  checks: ReadonlyMap<unknown, Check<Line>>,
  peers: { readonly ours: string; readonly theirs: string },
): Decoded<Line> => {
  const json = parse(line)
  if (!isObject(json)) return { problem: "the line is no JSON object" }
  const check = checks.get(json.type)
  if (check === undefined) return { problem: `no line of the protocol is of type ${shown(json.type)}` }
  // Before anything else is read of it: a line of another version may look otherwise.
  const greets = json.type === "Hello" || json.type === "Granted"
  if (greets && json.protocolVersion !== monitorProtocolVersion) {
    return {
      problem: `this ${peers.ours} speaks version ${monitorProtocolVersion} of the protocol between monitor and agent, the ${peers.theirs} ${shown(json.protocolVersion)}: run the same release of gleaner for both`,
    }
  }
  const problems: Array<string> = []
  const taken = check(json, String(json.type), problems)
  return problems.length === 0 ? { line: taken } : { problem: problems[0]! }
}

const shown = (value: unknown): string =>
  value === undefined ? "none" : (JSON.stringify(value) as string).slice(0, 100)

/** What a monitor says, as the agent reads it. */
export const decodeMonitorLine = (line: string): Decoded<MonitorLine> =>
  decode(line, monitorChecks, { ours: "agent", theirs: "monitor" })

/** What an agent says, as the monitor reads it. */
export const decodeAgentLine = (line: string): Decoded<AgentLine> =>
  decode(line, agentChecks, { ours: "monitor", theirs: "agent" })

/** With the newline; JSON text holds none of its own. */
export const encodeLine = (line: MonitorLine | AgentLine): string => `${JSON.stringify(line)}\n`

/** Cuts a stream of bytes into lines. */
export interface LineReader {
  readonly take: (chunk: Buffer) => void
}

/**
 * `onLine` gets each line without its newline, `onTooLong` is called once when one exceeds `bytesMax` and nothing is
 * taken any more; until then never more than `bytesMax` bytes are kept.
 */
export const makeLineReader = (
  onLine: (line: string) => void,
  onTooLong: () => void,
  bytesMax: number = lineBytesMax,
): LineReader => {
  let begun: Array<Buffer> = []
  let begunBytes = 0
  let isOver = false
  const keep = (part: Buffer) => {
    begunBytes += part.length
    if (begunBytes > bytesMax) {
      isOver = true
      begun = []
      onTooLong()
    } else if (part.length > 0) begun.push(part)
  }
  return {
    take: (chunk) => {
      let from = 0
      while (!isOver) {
        const end = chunk.indexOf(0x0a, from)
        keep(chunk.slice(from, end < 0 ? chunk.length : end))
        if (end < 0 || isOver) return
        const line = Buffer.concat(begun, begunBytes).toString("utf8")
        begun = []
        begunBytes = 0
        from = end + 1
        onLine(line)
      }
    },
  }
}
