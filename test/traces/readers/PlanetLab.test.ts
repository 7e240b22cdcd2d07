import { describe, expect, it } from "vitest"
import { readTraces } from "../../../traces/ReadTraces.ts"
import { createRecordings, planetLabText } from "../Recordings.ts"

const recordings = createRecordings()
const { root, write } = recordings

const day = (percent: number) => planetLabText(() => percent)

describe("the PlanetLab reader", () => {
  it("makes one trace of day folders, one segment per day, and of one VM on several days one host", async () => {
    write("plain/20110303/node_a", day(10))
    write("plain/20110303/node_b", day(20))
    write("plain/20110306/node_b", day(30))
    write("plain/20110306/node_c", `${day(40)}\n`)
    const [trace, ...others] = await readTraces([`${root}/plain`], { badLines: "fail" })
    expect(others).toEqual([])
    expect(trace!.name.endsWith("/plain")).toBe(true)
    expect(trace!.hosts).toEqual(["node_a", "node_b", "node_c"])
    expect(trace!.segments).toEqual([
      { label: "20110303", firstStep: 0, steps: 288, startMs: Date.UTC(2011, 2, 3) },
      { label: "20110306", firstStep: 288, steps: 288, startMs: Date.UTC(2011, 2, 6) },
    ])
    const firstOfDay = (host: number, segment: number) => trace!.cpu[host * trace!.steps + segment * 288]!
    expect(
      [firstOfDay(0, 0), firstOfDay(1, 0), firstOfDay(1, 1), firstOfDay(2, 1)].map((share) =>
        share.toFixed(2),
      ),
    ).toEqual(["0.10", "0.20", "0.30", "0.40"])
    expect([firstOfDay(0, 1), firstOfDay(2, 0)]).toEqual([Number.NaN, Number.NaN])
    expect([trace!.mem, trace!.cpuMilli[0]]).toEqual([null, 1000])
  })

  it("reads the same from archives, compressed or not, as from plain files", async () => {
    write("loose/20110303/node_a", day(10))
    write(
      "loose/20110306/node_b",
      planetLabText((step) => step % 101),
    )
    recordings.pack("packed/20110303.tar.gz", "loose", ["20110303"], true)
    recordings.pack("packed/20110306.tar", "loose", ["20110306"], false)
    const [plain] = await readTraces([`${root}/loose`], { badLines: "fail" })
    const [packed] = await readTraces([`${root}/packed`], { badLines: "fail" })
    expect(packed!.cpu).toEqual(plain!.cpu)
    expect(packed!.segments).toEqual(plain!.segments)
    expect(packed!.hosts).toEqual(plain!.hosts)
    expect(packed!.importReport).toEqual(plain!.importReport)
  })

  it("takes a folder that is not named after a day for one day of unknown date", async () => {
    write("somewhere/node_a", day(10))
    const [trace] = await readTraces([`${root}/somewhere/node_a`], { badLines: "fail" })
    expect(trace!.segments).toEqual([{ label: "day", firstStep: 0, steps: 288, startMs: 0 }])
    expect(trace!.name.endsWith("/somewhere")).toBe(true)
  })

  it("stops at a line that is no percentage, at a short day and at a long one", async () => {
    const lines = day(5).split("\n")
    const spoilt = write("bad/20110303/spoilt", lines.with(12, "101").join("\n"))
    const short = write("bad/20110303/short", lines.slice(0, 200).join("\n"))
    const long = write("bad/20110303/long", [...lines, "5"].join("\n"))
    const message = (file: string) =>
      readTraces([file], { badLines: "fail" }).catch((error: Error) => error.message)
    expect(await message(spoilt)).toContain('spoilt:13: "101" is not a whole percentage from 0 to 100')
    expect(await message(short)).toContain("short:200: the day ends after 200 of 288 lines")
    expect(await message(long)).toContain("long:289: is line 289 of a day that has 288")
    const [trace] = await readTraces([spoilt, short, long], { badLines: "skip" })
    expect(trace!.importReport).toMatchObject({ skippedLines: 3, samples: 287 + 200 + 288 })
    expect(trace!.cpu[2 * 288 + 12]).toBeNaN()
  })

  it("refuses one VM twice on a day", async () => {
    write("twice/20110303/node_a", day(1))
    recordings.pack("twice/20110303.tar", "twice", ["20110303"], false)
    await expect(readTraces([`${root}/twice`], { badLines: "fail" })).rejects.toThrow(
      "node_a is recorded twice on 20110303",
    )
  })
})
