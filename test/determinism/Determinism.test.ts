import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

// One bundle of core/ and its stories, told by every Node that this run was given (`npm run test:determinism` gives 10,
// 20 and 22): the same seeds must give the same bytes (law L4).

const nodes = (process.env.GLEANER_TEST_NODES ?? process.execPath).split(" ")
const seeds = ["1", "2", "storm"]
const folder = mkdtempSync(join(tmpdir(), "gleaner-stories-"))
const script = join(folder, "stories.js")

beforeAll(async () => {
  await build({
    entryPoints: [join(dirname(fileURLToPath(import.meta.url)), "main.ts")],
    outfile: script,
    bundle: true,
    platform: "node",
    target: "node10.24",
  })
})
afterAll(() => rmSync(folder, { recursive: true }))

const told = new Map<string, string>()

/** Each once: a telling is the same every time, or these tests would fail. */
const tell = (node: string, ...args: ReadonlyArray<string>): string => {
  const key = [node, ...args].join(" ")
  const text =
    told.get(key) ??
    execFileSync(node, [script, ...args], { encoding: "utf8", maxBuffer: 1024 * 1024 * 1024 })
  told.set(key, text)
  return text
}

const stories = ["cluster", "policies", "monitor"]

/** Where two tellings part, with what was said there. */
const firstDifference = (story: string, seed: string, other: string): string => {
  const [ours, theirs] = [process.execPath, other].map((node) => tell(node, seed, story).split("\n"))
  const at = ours!.findIndex((line, index) => line !== theirs![index])
  return `${story} ${seed} on ${other}, entry ${at}:\n${ours![at]?.slice(0, 2_000)}\n${theirs![at]?.slice(0, 2_000)}`
}

describe.each(seeds)("stories from seed %s", (seed) => {
  // Apart from the tellings of the given Nodes, of which one may be this very Node.
  const own = () => tell(process.execPath, seed, "")

  it.each(nodes)("are the same, byte for byte, on %s", (node) => {
    const [theirs, ours] = [tell(node, seed), own()]
    const parted = stories.filter((story) => {
      const lineOf = (text: string) => text.split("\n").find((line) => line.startsWith(`${story} `))
      expect(lineOf(ours)).toBeDefined()
      return lineOf(theirs) !== lineOf(ours)
    })
    expect(parted.map((story) => firstDifference(story, seed, node))).toEqual([])
  })

  it("differ from those of every other seed", () => {
    const lines = own().trim().split("\n")
    for (const other of seeds.filter((candidate) => candidate !== seed)) {
      const others = tell(process.execPath, other, "").trim().split("\n")
      expect(lines.filter((line, index) => line === others[index])).toEqual([])
    }
  })
})

it("is given Nodes of different versions when it is given any", () => {
  if (process.env.GLEANER_TEST_NODES === undefined) return
  const versions = nodes.map((node) => execFileSync(node, ["--version"], { encoding: "utf8" }).split(".")[0])
  expect(versions).toEqual(["v10", "v20", "v22"])
})

describe("the stories", () => {
  it("see every part of core/ at work", () => {
    const cluster = tell(process.execPath, "1", "cluster")
    const wanted = [
      ...["OfferResources", "RescindOffer", "SendToAgent", "ConfirmRegistration"],
      ...["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_UNREACHABLE", "TerminateTask", "RegainTask"],
      ...["REASON_RECONCILIATION", "REASON_CONTAINER_LIMITATION_MEMORY"],
    ]
    expect(wanted.filter((word) => !cluster.includes(word))).toEqual([])
    const monitor = tell(process.execPath, "1", "monitor")
    expect(["HoldReserve", "SetCeiling"].filter((word) => !monitor.includes(word))).toEqual([])
  })
})
