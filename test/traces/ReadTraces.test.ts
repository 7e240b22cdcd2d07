import { readFileSync } from "node:fs"
import { relative } from "node:path"
import { describe, expect, it } from "vitest"
import { readTraces } from "../../traces/ReadTraces.ts"
import { august, bitbrainsText, createRecordings, gzip, planetLabText } from "./Recordings.ts"

const recordings = createRecordings()
const { root, write, pack } = recordings

const read = (...paths: ReadonlyArray<string>) => readTraces(paths, { badLines: "fail" })
const messageOf = (...paths: ReadonlyArray<string>) =>
  read(...paths).then(
    () => "was read",
    (error: Error) => error.message,
  )

const oneRow = (percent: number) => bitbrainsText([{ seconds: august, percent }])

describe("reading traces", () => {
  it("makes one trace per folder, named by its last two parts", async () => {
    write("sets/rnd/2013-7/1.csv", oneRow(1))
    write("sets/rnd/2013-8/1.csv.gz", gzip(oneRow(2)))
    write("sets/rnd/2013-8/2.csv.gz", gzip(oneRow(3)))
    write(
      "sets/planetlab/20110303/node",
      planetLabText(() => 4),
    )
    const traces = await read(`${root}/sets`)
    expect(traces.map((trace) => [trace.name, trace.hosts.length])).toEqual([
      ["sets/planetlab", 1],
      ["rnd/2013-7", 1],
      ["rnd/2013-8", 2],
    ])
    expect(traces.every((trace) => !trace.synthetic)).toBe(true)
    expect(traces[2]!.provenance).toContain("2 files in ")
  })

  it("takes files, a quoted glob and a shell's expansion of it for the same trace", async () => {
    const files = [1, 2, 3].map((host) => write(`glob/m/${host}.csv`, oneRow(host)))
    const expected = (await read(`${root}/glob`))[0]!
    for (const paths of [
      [`${root}/glob/m/*.csv`],
      files,
      [...files].reverse(),
      [files[0]!, `${root}/glob/m`],
    ]) {
      const [trace, ...others] = await read(...paths)
      expect(others).toEqual([])
      expect(trace).toEqual(expected)
    }
    expect((await read(relative(process.cwd(), `${root}/glob/m`)))[0]!.name).toBe("glob/m")
  })

  it("reads Bitbrains files out of an archive, a folder in it being a trace", async () => {
    write("loose/rnd/2013-7/1.csv", oneRow(1))
    write("loose/rnd/2013-8/1.csv", oneRow(2))
    const archive = pack("rnd.tar.gz", "loose", ["rnd"], true)
    expect((await read(archive)).map((trace) => trace.name)).toEqual(["rnd/2013-7", "rnd/2013-8"])
  })

  it("leaves out documentation and hidden files, but no other file silently", async () => {
    write("doc/README.md", "# words")
    write("doc/MANIFEST.tsv", "a\tb")
    write("doc/.hidden", "x")
    write("doc/1.csv", oneRow(1))
    expect((await read(`${root}/doc`))[0]!.importReport.files).toBe(1)
    write("doc/notes.txt", "remember the milk")
    expect(await messageOf(`${root}/doc`)).toContain(
      'notes.txt: unknown format; the first line is "remember the milk"',
    )
  })

  it("names the supported formats when it knows none", async () => {
    const azure = write("odd/vm.csv", "0,1633748,,71.889037,44.459092\n")
    const message = await messageOf(azure)
    expect(message).toContain("Bitbrains CSV")
    expect(message).toContain("PlanetLab")
    const binary = write("odd/binary", Buffer.from([0, 1, 2, 10, 200, 201]))
    expect(await messageOf(binary)).toContain('the first line is "···"')
    const endless = write("odd/endless", "7".repeat(200_000))
    expect(await messageOf(endless)).toContain("line 1 is longer than 65536 characters")
  })

  it("tells what is wrong with a path", async () => {
    expect(await messageOf(`${root}/nowhere`)).toContain("nowhere: there is no such file or folder")
    expect(await messageOf(`${root}/nowhere/*.csv`)).toContain("no file matches")
    expect(await messageOf("")).toContain("there is no such file or folder")
    expect(await messageOf("/dev/null")).toContain("neither a file nor a folder")
    write("bare/README.md", "")
    expect(await messageOf(`${root}/bare`)).toContain("the folder holds no recording")
  })

  it("tells an empty, a truncated and a damaged file apart", async () => {
    expect(await messageOf(write("sick/empty.csv", ""))).toContain("empty.csv: the file is empty")
    const many = Array.from({ length: 5000 }, (_, row) => ({
      seconds: august + row * 300,
      percent: row % 97,
    }))
    const whole = gzip(bitbrainsText(many))
    expect(await messageOf(write("sick/cut.csv.gz", whole.subarray(0, whole.length - 2000)))).toContain(
      "cut.csv.gz: the gzip data ends too early: the file is truncated",
    )
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 400, 500)
    expect(await messageOf(write("sick/damaged.csv.gz", damaged))).toContain("the gzip data is damaged")
    write(
      "sick/loose/20110303/node",
      planetLabText(() => 4),
    )
    const archive = readFileSync(pack("sick/20110303.tar", "sick/loose", ["20110303"], false))
    expect(await messageOf(write("sick/20110306.tar", archive.subarray(0, 1400)))).toContain(
      "the archive is damaged or truncated",
    )
  })

  it("names the member of an archive where a bad line is", async () => {
    write(
      "member/20110303/node",
      planetLabText((step) => (step === 3 ? 500 : 1)),
    )
    const archive = pack("packed/20110303.tar.gz", "member", ["20110303"], true)
    expect(await messageOf(archive)).toContain("20110303.tar.gz!20110303/node:4: ")
  })

  it("refuses the same host twice", async () => {
    write("double/1.csv", oneRow(1))
    write("double/1.csv.gz", gzip(oneRow(2)))
    expect(await messageOf(`${root}/double`)).toContain("host 1 is recorded twice, also in")
  })

  it("tells folders that end alike apart", async () => {
    write("x/set/m/1.csv", oneRow(1))
    write("y/set/m/1.csv", oneRow(1))
    const names = (await read(`${root}/x`, `${root}/y`)).map((trace) => trace.name)
    expect(new Set(names).size).toBe(2)
  })

  it("reports how many files are done", async () => {
    write("steps/1.csv", oneRow(1))
    write("steps/2.csv", oneRow(1))
    const seen: Array<string> = []
    await readTraces([`${root}/steps`], {
      badLines: "fail",
      onProgress: (done, all) => seen.push(`${done}/${all}`),
    })
    expect(seen).toEqual(["0/2", "1/2", "2/2"])
  })
})
