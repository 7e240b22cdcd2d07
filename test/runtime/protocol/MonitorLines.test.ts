import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  type Decoded,
  decodeAgentLine,
  decodeMonitorLine,
  encodeLine,
  makeLineReader,
  socketPathProblem,
} from "../../../runtime/protocol/MonitorLines.ts"
import {
  type AgentLine,
  lineBytesMax,
  type MonitorLine,
  monitorProtocolVersion,
} from "../../../runtime/protocol/MonitorProtocol.ts"

const text = fc.string({ maxLength: 12, unit: "binary" })
const milli = fc.nat({ max: 1e12 })
const count = fc.maxSafeNat()
const orNull = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: null })
const plain = { noNullPrototype: true } as const
const amounts = fc.record({ cpuMilli: milli, memMilli: milli }, plain)
const measured = fc.record({ cpuMilli: orNull(milli), memMilli: orNull(milli) }, plain)
const task = fc.record(
  {
    containerId: text,
    frameworkId: text,
    taskId: text,
    priority: fc.maxSafeInteger(),
    ageMs: count,
    lostWork: count,
    cpuMilli: milli,
    memMilli: milli,
    isFrozen: fc.boolean(),
  },
  plain,
)
const tasks = fc.array(task, { maxLength: 3 })
const typed = <const Type extends string, A extends object>(
  type: Type,
  fields: { [Name in keyof A]: fc.Arbitrary<A[Name]> },
) => fc.record({ type: fc.constant(type), ...fields }, plain) as fc.Arbitrary<{ type: Type } & A>

const monitorLine: fc.Arbitrary<MonitorLine> = fc.oneof(
  typed("Hello", {
    protocolVersion: fc.constant(monitorProtocolVersion),
    pid: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    version: text,
    policy: text,
  }),
  typed("Beat", {
    number: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    reserve: orNull(amounts),
    use: fc.record({ capacity: amounts, primary: measured, harvest: measured }, plain),
    ceiling: measured,
    notBiting: count,
    missedSamples: count,
    lowered: count,
    raised: count,
    lateMs: fc.double({ min: 0, max: 1e6, noNaN: true }).map((ms) => ms + 0),
  }),
  typed("Freeze", { containerId: text, why: text }),
  typed("Thaw", { containerId: text }),
  typed("Evict", { containerId: text, why: text }),
)
const agentLine: fc.Arbitrary<AgentLine> = fc.oneof(
  typed("Granted", {
    protocolVersion: fc.constant(monitorProtocolVersion),
    cgroupParent: text,
    lent: amounts,
    tasks,
  }),
  typed("Refused", { reason: text }),
  typed("Revoked", { reason: text }),
  fc.oneof(typed("Heard", { number: fc.constant(7), tasks }), typed("Heard", { number: fc.constant(7) })),
)

const directions: ReadonlyArray<readonly [string, fc.Arbitrary<object>, (line: string) => Decoded<object>]> =
  [
    ["a monitor's", monitorLine, decodeMonitorLine],
    ["an agent's", agentLine, decodeAgentLine],
  ]

/** Every place in the line, as the keys that lead there. */
const placesIn = (value: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...placesIn(inner, [...path, key])])
    : []

const replaceAt = (value: unknown, [key, ...rest]: ReadonlyArray<string>, by: unknown): unknown => {
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>
  copy[key!] = rest.length === 0 ? by : replaceAt(copy[key!], rest, by)
  return copy
}

/** Nothing that any field may be. */
const never = fc.constantFrom<unknown>(-1.5, 1e300, [[]], { a: 1 })

describe.each(directions)("%s line", (_, line, decode) => {
  it("is read as it was said", () => {
    fc.assert(
      fc.property(line, (said) => {
        const encoded = encodeLine(said as MonitorLine)
        expect(encoded.indexOf("\n")).toBe(encoded.length - 1)
        expect(decode(encoded.slice(0, -1))).toEqual({ line: said })
      }),
    )
  })

  it("with any field replaced by what it cannot be is refused with its place", () => {
    fc.assert(
      fc.property(line, never, fc.nat(), (said, wrong, seed) => {
        const places = placesIn(said)
        const place = places[seed % places.length]!
        const decoded = decode(JSON.stringify(replaceAt(said, place, wrong)))
        expect(decoded).toHaveProperty("problem")
        if (place[0] !== "type" && place[0] !== "protocolVersion") {
          const name = place[place.length - 1]!
          expect((decoded as { problem: string }).problem).toContain(/^\d+$/.test(name) ? `[${name}]` : name)
        }
      }),
    )
  })

  it("without any one of its fields is refused, but for the tasks of Heard", () => {
    fc.assert(
      fc.property(line, fc.nat(), (said, seed) => {
        const places = placesIn(said).filter((place) => !/^\d+$/.test(place[place.length - 1]!))
        const place = places[seed % places.length]!
        fc.pre(!("number" in said && place.length === 1 && place[0] === "tasks"))
        expect(decode(JSON.stringify(replaceAt(said, place, undefined)))).toHaveProperty("problem")
      }),
    )
  })

  it("cut, torn or scrambled is an answer, never an exception", () => {
    fc.assert(
      fc.property(line, fc.nat(), text, (said, at, junk) => {
        const json = JSON.stringify(said)
        const cut = at % json.length
        expect(decode(json.slice(0, cut))).toHaveProperty("problem")
        decode(json.slice(0, cut) + junk + json.slice(cut))
        expect(decode(junk)).toHaveProperty("problem")
      }),
    )
  })
})

describe("the codec", () => {
  it.each([
    "",
    "null",
    "[]",
    "{}",
    '{"type":"Nonsense"}',
    '{"type":"__proto__"}',
    '{"type":{"a":1}}',
    "[".repeat(200_000),
    `{"type":"Freeze","containerId":"${"x".repeat(2_000)}","why":""}`,
  ])("refuses %.40s", (line) => {
    expect(decodeMonitorLine(line)).toHaveProperty("problem")
  })

  it("takes nothing that is not of the protocol along", () => {
    const line = '{"type":"Thaw","containerId":"c","__proto__":{"why":"x"},"more":1}'
    expect(decodeMonitorLine(line)).toEqual({ line: { type: "Thaw", containerId: "c" } })
  })

  it("looks at the version before anything else, and says what to do", () => {
    expect(decodeMonitorLine('{"type":"Hello","protocolVersion":7,"shape":"other"}')).toEqual({
      problem: `this agent speaks version ${monitorProtocolVersion} of the protocol between monitor and agent, the monitor 7: run the same release of gleaner for both`,
    })
    expect(decodeAgentLine('{"type":"Granted"}')).toMatchObject({
      problem: expect.stringContaining("the agent none: run the same release"),
    })
  })
})

describe("lines out of bytes", () => {
  it("are the same however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(text.map((line) => line.replace(/[\n\ud800-\udfff\ufeff]/g, ""))),
        fc.array(fc.nat({ max: 9 })),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""))
          const read: Array<string> = []
          const reader = makeLineReader(
            (line) => read.push(line),
            () => read.push("too long"),
          )
          let from = 0
          for (const cut of cuts) {
            reader.take(bytes.subarray(from, from + cut))
            from += cut
          }
          reader.take(bytes.subarray(from))
          expect(read).toEqual(lines)
        },
      ),
    )
  })

  it("end for good at one that grows too long", () => {
    const heard: Array<string> = []
    const reader = makeLineReader(
      (line) => heard.push(line),
      () => heard.push("too long"),
      4,
    )
    for (const part of ["a\n1234\n", "12", "34", "5", "\nb\n", "c\n"]) reader.take(Buffer.from(part))
    expect(heard).toEqual(["a", "1234", "too long"])
  })

  it("may be a MiB long unless told otherwise", () => {
    let length = 0
    const reader = makeLineReader(
      (line) => {
        length = line.length
      },
      () => {
        length = -1
      },
    )
    reader.take(Buffer.alloc(lineBytesMax, 0x61))
    reader.take(Buffer.from("\n"))
    expect(length).toBe(lineBytesMax)
    reader.take(Buffer.alloc(lineBytesMax + 1, 0x61))
    expect(length).toBe(-1)
  })
})

describe("a socket's path", () => {
  it("has at most 107 bytes, whatever its characters", () => {
    expect(socketPathProblem("x".repeat(107))).toBeUndefined()
    expect(socketPathProblem("x".repeat(108))).toContain("has 108 bytes")
    expect(socketPathProblem("ä".repeat(54))).toContain("--data")
  })
})
