import { describe, expect, it } from "vitest"
import { readArguments } from "../../bench/Arguments.ts"

const read = (line: string) => readArguments(line.split(" ").filter((word) => word !== ""))

describe("the words after npm run bench", () => {
  it("are none: all suites, and a report", () => {
    const wishes = read("")
    expect(wishes).toMatchObject({
      suites: ["policies", "allocation", "placements", "monitor", "wire", "restart"],
      isJson: false,
      outFolder: "bench-report",
      isCold: false,
      profileFolder: null,
      allocation: { modes: [], shapes: [], variants: [], settings: [], rounds: null },
      placements: { workloads: [], variants: [], rounds: null },
    })
  })

  it("name a suite, and then there is no report unless one is asked for", () => {
    expect(read("allocation --json")).toMatchObject({
      suites: ["allocation"],
      isJson: true,
      outFolder: null,
    })
    expect(read("monitor --out /tmp/x")).toMatchObject({ suites: ["monitor"], outFolder: "/tmp/x" })
  })

  it("take values with a space, an equals sign, commas and repetition", () => {
    expect(
      read("allocation --shape 1000x50,10000x200x50 --mode=full,quota --mode decline --rounds 3"),
    ).toMatchObject({
      allocation: {
        shapes: [
          { agents: 1_000, frameworks: 50, roles: null },
          { agents: 10_000, frameworks: 200, roles: 50 },
        ],
        modes: ["full", "quota", "decline"],
        rounds: 3,
      },
    })
    expect(read("--variant mixed --settings default --cold --profile /tmp/p")).toMatchObject({
      allocation: { variants: ["mixed"], settings: ["default"] },
      isCold: true,
      profileFolder: "/tmp/p",
    })
    expect(
      read(
        "placements --workload basic-10000,unschedulable --workload=pod-affinity --rounds 2 --variant alike",
      ),
    ).toMatchObject({
      suites: ["placements"],
      placements: {
        workloads: ["basic-10000", "unschedulable", "pod-affinity"],
        variants: ["alike"],
        rounds: 2,
      },
    })
  })

  it("give wire its sizes, and each suite its own modes", () => {
    expect(read("wire --mode launches,state --agents 20 --tasks 200 --seconds 1")).toMatchObject({
      suites: ["wire"],
      allocation: { modes: [] },
      wire: {
        modes: ["launches", "state"],
        ...{ agents: 20, frameworks: null, tasks: 200, seconds: 1, rounds: null },
      },
    })
    expect(read("--mode full,agents")).toMatchObject({
      allocation: { modes: ["full"] },
      wire: { modes: ["agents"] },
    })
  })

  it.each([
    ["alocation", 'no suite "alocation", did you mean "allocation"?'],
    ["allocation --mode ful", 'no mode "ful", did you mean "full"?'],
    ["allocation --mdoe full", 'no option "--mdoe", did you mean "--mode"?'],
    ["allocation --variant mixde", 'did you mean "mixed"?'],
    ["allocation --settings messo", 'did you mean "mesos"?'],
    ["allocation --shape 10000", '--shape: "10000" is not AGENTSxFRAMEWORKS'],
    ["allocation --shape 0x5", "there must be one of each"],
    ["allocation --shape 10x5x6", "more roles than frameworks"],
    ["allocation --rounds 0", '--rounds: "0" is not a whole number from 1'],
    ["allocation --rounds 1 --rounds 2", "--rounds can be given once"],
    ["allocation --shape", "--shape needs a value"],
    ["allocation --json=yes", "--json takes no value"],
    ["policies --mode full", "--mode is an option of the suites allocation and wire"],
    ["wire --mode full", 'no mode "full"'],
    ["allocation --mode launches", 'no mode "launches"'],
    ["wire --seconds 0", '--seconds: "0" is not a whole number from 1'],
    ["allocation --agents 5", "--agents is an option of the suites wire and restart"],
    ["placements --shape 10x5", "--shape is an option of the suite allocation"],
    ["allocation --workload unschedulable", "--workload is an option of the suite placements"],
    [
      "monitor --rounds 3",
      "--rounds is an option of the suites allocation and placements and wire and restart",
    ],
    ["placements --workload basic-1000", 'no workload "basic-1000", did you mean "basic-10000"?'],
  ])("refuse %s", (line, problem) => {
    expect(read(line)).toContain(problem)
  })
})
