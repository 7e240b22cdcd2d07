import { describe, expect, it } from "vitest"
import { compareJson, compareReply } from "./Comparison.ts"
import { Ids } from "./Ids.ts"
import type { Json, Response } from "./Transcript.ts"

// The stated normalisations hide what they are for and nothing else.

const pathsOf = (recorded: Json, ours: Json, ids = new Ids()) =>
  compareJson(recorded, ours, ids).map(({ path }) => path)

const master = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
const other = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee"
const third = "cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee"

describe("the comparison of exchanges", () => {
  it("takes moments and versions of the same kind as the same, but not their absence", () => {
    expect(pathsOf({ start_time: 1, version: "1" }, { start_time: 2, version: "9" })).toEqual([])
    expect(pathsOf({ start_time: 1 }, {})).toEqual(["start_time"])
    expect(pathsOf({ start_time: 1 }, { start_time: "1" })).toEqual(["start_time"])
  })

  it("keeps ids together with their partners", () => {
    const ids = new Ids()
    expect(pathsOf([`${master}-S0`, `${master}-S0`], [`${other}-S1`, `${other}-S1`], ids)).toEqual([])
    expect(pathsOf([`${master}-S0`], [`${third}-S1`], ids)).toEqual(["/0"])
    // An agent's is no framework's.
    expect(pathsOf([`${master}-S7`], [`${other}-0007`])).toEqual(["/0"])
  })

  it("takes what a master measures of itself as a number, and compares what it counts", () => {
    const metrics = (loadAverage: number, tasks: number) => ({
      "system/load_1min": loadAverage,
      "master/tasks_running": tasks,
    })
    expect(pathsOf(metrics(1, 2), metrics(7, 2))).toEqual([])
    expect(pathsOf(metrics(1, 2), metrics(1, 3))).toEqual(["master/tasks_running"])
    const listed = (name: string, value: number) => ({ metrics: [{ name, value }] })
    expect(pathsOf(listed("allocator/runs", 1), listed("allocator/runs", 2))).toEqual([])
    expect(pathsOf(listed("master/slaves_active", 1), listed("master/slaves_active", 2))).toEqual([
      "metrics/master/slaves_active/value",
    ])
  })

  it("pairs items by what names them, so that a missing one is no other's neighbour", () => {
    const resource = (name: string, owner: object | null = null) => ({
      name,
      ...(owner === null ? {} : { reservations: [{ role: "web", ...owner }] }),
    })
    const labelled = resource("cpus", { labels: { labels: [{ key: "k" }] } })
    expect(
      pathsOf(
        [resource("cpus"), resource("cpus", {}), labelled, resource("mem")],
        [resource("mem"), labelled, resource("cpus")],
      ),
    ).toEqual(["/cpus@web"])
    expect(pathsOf([{ type: "A" }, { type: "B" }], [{ type: "B" }])).toEqual(["/A"])
  })

  it("says of another status only that it is another", () => {
    const reply = (status: number, body: string): Response => ({ status, headers: [], body })
    const found = compareReply(reply(202, ""), reply(400, "no"), new Ids())
    expect(found).toEqual([{ path: "status", recorded: '202 ""', ours: '400 "no"' }])
  })
})
