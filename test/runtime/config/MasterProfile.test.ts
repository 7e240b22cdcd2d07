import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { defaultMasterSettings, mesosMasterSettings } from "../../../core/master/State.ts"
import { alternativesKind, amountsKind, quotaKind } from "../../../runtime/config/Amounts.ts"
import { masterSettingsOf } from "../../../runtime/config/MasterProfile.ts"
import { readSettings } from "../../../runtime/config/ReadSettings.ts"
import { settingsJson } from "../../../runtime/config/SettingsText.ts"
import { masterSection } from "../../../runtime/config/sections/MasterSection.ts"
import { MasterHarness, offeredIn } from "../../support/MasterHarness.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-profile-"))
afterAll(() => rmSync(folder, { recursive: true }))
/** Says nothing, so that no file of this host does. */
const path = join(folder, "gleaner.json")
writeFileSync(path, "{}")

const reading = (words: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
  readSettings(masterSection, words, {
    environment: { GLEANER_CONFIG: path, ...environment },
    homeFolder: "/h",
    userId: 0,
  })

const settled = (...given: Parameters<typeof reading>) => {
  const read = reading(...given)
  if (read._tag !== "Settled") throw new Error(JSON.stringify(read))
  return read.settled
}

const settingsOf = (...words: ReadonlyArray<string>) => masterSettingsOf(settled(words).values)

describe("the master's settings", () => {
  it("are a profile's, as a bundle, where nothing else is said", () => {
    expect(settingsOf()).toEqual(defaultMasterSettings)
    expect(settingsOf("--profile", "mesos")).toEqual(mesosMasterSettings)
    expect(mesosMasterSettings).toMatchObject({ allocationIntervalMs: 1_000, offerTimeoutMs: null })
  })

  it("say how much of the past is remembered", () => {
    const all = [
      ...["--max-completed-frameworks", "0", "--max-completed-tasks-per-framework", "7"],
      ...["--max-completed-tasks", "8", "--max-unreachable-tasks-per-framework", "9"],
    ]
    expect(settingsOf("--profile", "mesos", ...all)).toMatchObject({
      completedFrameworksMax: 0,
      completedTasksPerFrameworkMax: 7,
      completedTasksMax: 8,
      unreachableTasksPerFrameworkMax: 9,
    })
  })

  it("say when agents that stay away are lost, and how fast they are forgotten", () => {
    const words = [
      "--agent-timeout",
      "10s",
      "--registry-max-agent-age",
      "1h",
      "--registry-max-agent-count",
      "7",
    ]
    expect(settingsOf(...words, "--agent-removal-rate-limit", "3/10s")).toMatchObject({
      agentTimeoutMs: 10_000,
      agentForgetMs: 3_600_000,
      awayAgentsMax: 7,
      agentRemovalPauseMs: 3_334,
    })
    expect(settingsOf("--agent-removal-rate-limit", "off")).toMatchObject({ agentRemovalPauseMs: 0 })
    for (const wrong of ["3", "3/", "/1m", "0/1m", "1.5/1m", "3/1ms", "3/1m/1", "-1/1m"]) {
      expect(reading(["--agent-removal-rate-limit", wrong])._tag, wrong).not.toBe("Settled")
    }
  })

  it("are what is said, in either profile, also that something is off", () => {
    const all = [
      ...["--offer-timeout", "5s", "--allocation-interval", "2s", "--decline-backoff-max", "1m"],
      ...["--offer-part-min", "cpus:2", "--min-allocatable", "cpus:1;mem:64|gpus:1"],
      ...["--fair-sharing-excluded-resource-names", "gpus, disk", "--no-filter-gpu-resources"],
    ]
    for (const profile of ["gleaner", "mesos"]) {
      expect(settingsOf("--profile", profile, ...all)).toMatchObject({
        offerTimeoutMs: 5_000,
        allocationIntervalMs: 2_000,
        allocator: {
          backoffMsMax: 60_000,
          partMin: { cpus: 2_000 },
          minAllocatable: [{ cpus: 1_000, mem: 64_000 }, { gpus: 1_000 }],
          excludedNames: ["gpus", "disk"],
          filterGpuResources: false,
          // No filter of Mesos is shorter than its interval.
          refuseMsMin: profile === "mesos" ? 2_000 : 1_000,
        },
      })
      const none = [
        "offer-timeout",
        "allocation-interval",
        "decline-backoff-max",
        "offer-part-min",
        "min-allocatable",
      ]
      expect(settingsOf("--profile", profile, ...none.flatMap((name) => [`--${name}`, "off"]))).toMatchObject(
        {
          offerTimeoutMs: null,
          allocationIntervalMs: null,
          allocator: { backoffMsMax: null, partMin: null, minAllocatable: [] },
        },
      )
    }
  })

  it("say of roles what they weigh, who comes first and who has a quota", () => {
    const { allocator } = settingsOf(
      ...["--weight", "web=2", "--weight", "web/api=0.5", "--priority", "web=-3", "--weight", "__proto__=4"],
      ...["--quota", "ads=cpus:4;mem:4096/cpus:8", "--quota", "*=/gpus:0"],
    )
    expect(Object.entries(allocator.weights)).toEqual([
      ["web", 2],
      ["web/api", 0.5],
      ["__proto__", 4],
    ])
    expect(allocator.priorities).toEqual({ web: -3 })
    expect(allocator.quotas).toEqual({
      ads: { guarantees: { cpus: 4_000, mem: 4_096_000 }, limits: { cpus: 8_000 } },
      "*": { guarantees: {}, limits: { gpus: 0 } },
    })
  })

  it("may stand in the environment, and are shown as they would be written", () => {
    const environment = { GLEANER_MASTER_QUOTA: "ads=cpus:4;mem:4096/cpus:8,web=/cpus:2" }
    const { settings } = JSON.parse(settingsJson(masterSection, settled([], environment))) as {
      settings: Record<string, { value: unknown }>
    }
    expect(settings.quota!.value).toEqual({ ads: "cpus:4;mem:4096/cpus:8", web: "/cpus:2" })
  })

  it("reach the hosts: a role has no more than its quota", () => {
    const master = new MasterHarness(settingsOf("--quota", "ads=/cpus:3;mem:100", "--offer-part-min", "off"))
    for (let host = 0; host < 4; host++) master.addAgent({ cpus: 2_000 })
    master.subscribe({ roles: ["ads/banner"] })
    expect(offeredIn(master.settle())).toEqual([{ cpus: 2_000 }, { cpus: 1_000 }])
  })

  it.each([
    ["--profile", "apache", "is not gleaner or mesos"],
    ["--quota", "a/b=cpus:1", "with a top-level role before"],
    ["--quota", "ads=cpus:2/cpus:1", "no guarantee above its limit"],
    ["--quota", "ads=/", "guarantees and limits like"],
    ["--quota", "ads=cpus:1/cpus:2/cpus:3", "guarantees and limits like"],
    ["--quota", "ads=cpus:0", "guarantees and limits like"],
    ["--weight", "web=0", "a number from 0.001"],
    ["--weight", "we b=1", "with a role before"],
    ["--weight", "=1", "with a role before"],
    ["--priority", "web=1.5", "a whole number"],
    ["--min-allocatable", "cpus:1|", "of which one is enough"],
    ["--min-allocatable", "cpus=1", "of which one is enough"],
    ["--offer-part-min", "cpus:1;cpus:2", "amounts like"],
    ["--offer-part-min", "4cpus:1", "amounts like"],
    ["--offer-part-min", "cpus:1e3", "amounts like"],
    ["--offer-part-min", "mem:10000000000", "amounts like"],
    ["--offer-timeout", "10", "off, or a duration from 1s to 7d"],
    ["--allocation-interval", "1ms", "off, or a duration from 10ms to 1h"],
    ["--decline-backoff-max", "never", "off, or a duration"],
    ["--fair-sharing-excluded-resource-names", "gpus,,disk", "names of resources"],
  ])("%s %s is refused with its place: %s", (flag, value, text) => {
    const problem = expect.stringContaining(`${flag}: "${value}" is not`) as string
    expect(reading([flag, value])).toEqual({ _tag: "Refused", problems: [problem] })
    expect(reading([flag, value])).toMatchObject({ problems: [expect.stringContaining(text)] })
  })
})

describe("amounts as people write them", () => {
  const amounts = fc.dictionary(
    fc.constantFrom("cpus", "mem", "disk", "gpus", "a.b-c_d"),
    fc.integer({ min: 1, max: 1e12 }),
    { minKeys: 1, noNullPrototype: true },
  )
  const limits = fc.dictionary(fc.constantFrom("cpus", "mem"), fc.constantFrom(0, 1e12), {
    noNullPrototype: true,
  })

  it("are read as they are printed", () => {
    fc.assert(
      fc.property(amounts, fc.array(amounts, { minLength: 1 }), (one, several) => {
        expect(amountsKind.parse(amountsKind.print(one))).toEqual(one)
        expect(alternativesKind.parse(alternativesKind.print(several))).toEqual(several)
      }),
    )
  })

  it("make quotas that are read as they are printed, unless they promise more than they allow", () => {
    fc.assert(
      fc.property(amounts, limits, (guarantees, bounds) => {
        const quota = { guarantees, limits: bounds }
        const isKept = Object.keys(guarantees).every((name) => bounds[name] !== 0)
        expect(quotaKind.parse(quotaKind.print(quota))).toEqual(isKept ? quota : undefined)
      }),
    )
  })
})
