import { describe, expect, it } from "vitest"
import { compareJson, compareReply } from "./Comparison.ts"
import { Ids } from "./Ids.ts"
import { judge } from "./Verdict.ts"

const recordedId = "00000000-1111-4222-8333-444444444444"
const ourId = "55555555-6666-4777-8888-999999999999"

const pathsOf = (recorded: unknown, ours: unknown, ids = new Ids()) =>
  compareJson({ body: recorded }, { body: ours }, ids).map(({ path }) => path)

describe("comparing with a recording", () => {
  it("names the place of every field that is another one, missing, or too much", () => {
    const recorded = { a: 1, b: { c: "x" }, d: [1, 2], e: 1 }
    expect(pathsOf(recorded, { a: 1, b: { c: "y" }, d: [1, 3], f: 1 })).toEqual([
      "body/b/c",
      "body/d/1",
      "body/e",
      "body/f",
    ])
  })

  it("takes other ids for the same as long as each keeps its partner", () => {
    const ids = new Ids()
    expect(pathsOf([`${recordedId}-S0`, `${recordedId}-S1`], [`${ourId}-S4`, `${ourId}-S7`], ids)).toEqual([])
    expect(pathsOf(`of ${recordedId}-S1`, `of ${ourId}-S7`, ids)).toEqual([])
    expect(pathsOf(`of ${recordedId}-S0`, `of ${ourId}-S7`, ids)).toEqual(["body"])
    expect(ids.toOurs(`{"value":"${recordedId}-S0"}`)).toBe(`{"value":"${ourId}-S4"}`)
  })

  it("takes no offer for an agent, and no text for an id", () => {
    expect(pathsOf(`${recordedId}-S0`, `${ourId}-O0`)).toEqual(["body"])
    expect(pathsOf(recordedId, "m")).toEqual(["body"])
  })

  it("wants times and versions to be there, whatever they say", () => {
    expect(pathsOf({ timestamp: 1.5, version: "1" }, { timestamp: 9, version: "2" })).toEqual([])
    expect(pathsOf({ timestamp: 1.5, version: "1" }, { timestamp: "9" })).toEqual([
      "body/timestamp",
      "body/version",
    ])
  })

  it("compares resources in any order, by name", () => {
    const [cpus, mem] = [
      { name: "cpus", value: 1 },
      { name: "mem", value: 2 },
    ]
    expect(pathsOf([cpus, mem], [mem, cpus])).toEqual([])
    expect(pathsOf([cpus, mem], [{ ...mem, value: 3 }, cpus])).toEqual(["body/mem/value"])
    expect(pathsOf([cpus, mem], [mem])).toEqual(["body/cpus"])
  })

  it("says nothing of bodies under another status, and compares the headers that matter under the same", () => {
    const reply = (status: number, headers: ReadonlyArray<readonly [string, string]>, body: string) => ({
      status,
      headers,
      body,
    })
    const at = (recorded: ReturnType<typeof reply>, ours: ReturnType<typeof reply>) =>
      compareReply(recorded, ours, new Ids()).map(({ path }) => path)
    expect(at(reply(200, [], "a"), reply(400, [], "b"))).toEqual(["status"])
    expect(at(reply(405, [["Allow", "POST"]], "a"), reply(405, [["Date", "now"]], "b"))).toEqual([
      "headers/Allow",
      "body",
    ])
    expect(
      at(reply(200, [["Mesos-Stream-Id", "x"]], ""), reply(200, [["mesos-stream-id", "y"]], "")),
    ).toEqual([])
    expect(at(reply(200, [["Mesos-Stream-Id", "x"]], ""), reply(200, [], ""))).toEqual([
      "headers/Mesos-Stream-Id",
    ])
  })
})

describe("judging what differs", () => {
  const outcome = (name: string, ...paths: ReadonlyArray<string>) => ({
    name,
    differences: paths.map((path) => ({ path, recorded: "1", ours: "2" })),
  })

  it("wants a reason for each difference of each exchange", () => {
    const outcomes = [outcome("a/one", "x", "y"), outcome("a/two")]
    const { problems } = judge(outcomes, [{ exchanges: "a/*", at: "x", reason: "so" }])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^a\/one differs without a reason:\n {4}at y\n/)
  })

  it("wants a difference for each reason, and for each exchange that a reason names", () => {
    const outcomes = [outcome("a/one", "x"), outcome("a/two")]
    const reason = { exchanges: ["a/one", "a/two"], reason: "so" }
    expect(judge(outcomes, [reason]).problems).toEqual(['a/two no longer differs: delete the reason "so"'])
    expect(judge(outcomes, [{ ...reason, isByChance: true }]).problems).toEqual([])
    expect(judge(outcomes, [{ ...reason, exchanges: "a/*", ours: "3" }]).problems).toHaveLength(2)
  })

  it("counts by folder and lists by reason", () => {
    const outcomes = [outcome("a/one", "x"), outcome("a/two"), outcome("b/one")]
    const { table } = judge(outcomes, [{ exchanges: "a/one", reason: "so" }], [{ name: "c/x", reason: "no" }])
    expect(table.split("\n").map((line) => line.trim().replace(/ +/g, " "))).toEqual([
      "folder match differ not replayed",
      "a 1 1 0",
      "b 1 0 0",
      "c 0 0 1",
      "all 2 1 1",
      "",
      "1 × so",
      "a/one",
      "1 × not replayed: no",
      "c/x",
    ])
  })
})
