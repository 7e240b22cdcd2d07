import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import {
  type HostSampler,
  type HostSamplerOptions,
  openHostSampler,
} from "../../../runtime/host/HostSampler.ts"

let folder = ""
let sampler: HostSampler
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-sampler-"))
  setHost({ busy: 0 })
})
afterEach(() => {
  sampler.close()
  rmSync(folder, { recursive: true })
})

const put = (name: string, text: string) => writeFileSync(join(folder, name), text)
const cpuLine = (name: string, busy: number) => `${name} ${busy} 0 0 1000 5 0 0 0 0\n`
const setHost = ({ busy, cpus = 2, usedMiB = 100 }: { busy: number; cpus?: number; usedMiB?: number }) => {
  const lines = Array.from({ length: cpus }, (_, index) => cpuLine(`cpu${index}`, busy))
  put("stat", `${cpuLine("cpu ", busy)}${lines.join("")}intr 0\n`)
  put("meminfo", `MemTotal: 1024000 kB\nMemFree: 1 kB\nMemAvailable: ${(1000 - usedMiB) * 1024} kB\n`)
}
const setHarvest = (nanos: number, usedMiB: number, cacheMiB: number) => {
  mkdirSync(join(folder, "group"), { recursive: true })
  put("group/cpuacct.usage", `${nanos}\n`)
  put("group/memory.usage_in_bytes", `${usedMiB * 1048576}\n`)
  put("group/memory.stat", `cache 0\ntotal_cache ${cacheMiB * 1048576}\ntotal_shmem 0\n`)
}
const open = (options: Partial<HostSamplerOptions> = {}) => {
  const group = join(folder, "group")
  sampler = openHostSampler({
    harvest: { cpu: group, cpuacct: group, cpuacctRoot: undefined, memory: group },
    withoutHierarchy: "unknown",
    periodMs: 100,
    procFolder: folder,
    ...options,
  })
}
const at = (ms: number, jumpMs = 0) => ({ ...sampler.sample(ms, 1e12 + ms + jumpMs) })

describe("HostSampler", () => {
  it("takes the harvest off the host", () => {
    setHarvest(5e9, 30, 20)
    open()
    expect(at(0)).toMatchObject({
      primaryCpuMilli: Number.NaN,
      harvestCpuMilli: Number.NaN,
      harvestMemMilli: 10_000,
    })
    setHost({ busy: 15, usedMiB: 100 })
    setHarvest(5e9 + 40e6, 30, 20)
    expect(at(100)).toEqual({
      atMs: 100,
      capacityCpuMilli: 2000,
      capacityMemMilli: 1_000_000,
      primaryCpuMilli: 1100,
      primaryMemMilli: 90_000,
      harvestCpuMilli: 400,
      harvestMemMilli: 10_000,
      failures: [],
    })
  })

  it("believes the root group's exact counter for the moment, where there is one", () => {
    setHarvest(0, 0, 0)
    const group = join(folder, "group")
    put("cpuacct.usage", "0\n")
    open({ harvest: { cpu: group, cpuacct: group, cpuacctRoot: folder, memory: group } })
    at(0)
    // Two seconds in which ticks and counter agree: the harvest uses one cpu, the primary 0.2.
    for (let sample = 1; sample <= 20; sample++) {
      setHost({ busy: 12 * sample })
      setHarvest(sample * 100e6, 0, 0)
      put("cpuacct.usage", `${sample * 120e6}\n`)
      expect(at(100 * sample).primaryCpuMilli).toBe(200)
    }
    // Both cpus tick once more within this sample, once less in the next: a fifth of a cpu that nobody used.
    setHost({ busy: 12 * 21 + 2 })
    setHarvest(2_100e6, 0, 0)
    put("cpuacct.usage", `${21 * 120e6}\n`)
    expect(at(2_100).primaryCpuMilli).toBe(220)
  })

  it("never says less than nothing of the primary", () => {
    setHarvest(0, 500, 0)
    open()
    at(0)
    setHost({ busy: 1 })
    setHarvest(50e6, 500, 0)
    expect(at(100)).toMatchObject({ primaryCpuMilli: 0, primaryMemMilli: 0, harvestCpuMilli: 500 })
  })

  it("takes a group that is not there yet, or no more, for no harvest", () => {
    open()
    at(0)
    setHost({ busy: 5 })
    expect(at(100)).toMatchObject({
      primaryCpuMilli: 500,
      harvestCpuMilli: 0,
      harvestMemMilli: 0,
      failures: [],
    })
    setHarvest(10e6, 3, 1)
    setHost({ busy: 10 })
    expect(at(200)).toMatchObject({ primaryCpuMilli: 400, harvestCpuMilli: 100, harvestMemMilli: 2000 })
  })

  it("measures nothing where the hierarchy is missing, unless nobody can harvest", () => {
    const none = { cpu: undefined, cpuacct: undefined, cpuacctRoot: undefined, memory: undefined }
    open({ harvest: none })
    at(0)
    setHost({ busy: 4 })
    expect(at(100)).toMatchObject({ primaryCpuMilli: Number.NaN, primaryMemMilli: Number.NaN })
    sampler.close()
    open({ harvest: none, withoutHierarchy: "none" })
    at(0)
    setHost({ busy: 8 })
    expect(at(100)).toMatchObject({ primaryCpuMilli: 400, primaryMemMilli: 100_000, harvestCpuMilli: 0 })
  })

  it.each([
    ["a counter that went backwards", () => setHost({ busy: 1 }), 100, 0],
    ["a pause, such as SIGSTOP", () => setHost({ busy: 90 }), 3_000, 0],
    ["a clock set ahead, or a suspend", () => setHost({ busy: 60 }), 100, 60_000],
    ["a clock set back", () => setHost({ busy: 60 }), 100, -60_000],
  ])("measures no cpu over %s, and goes on after it", (_, change, afterMs, jumpMs) => {
    setHost({ busy: 50 })
    open()
    at(0)
    change()
    const odd = at(afterMs, jumpMs)
    expect(odd).toMatchObject({
      primaryCpuMilli: Number.NaN,
      capacityCpuMilli: 2000,
      primaryMemMilli: 100_000,
    })
    setHost({ busy: 100 })
    expect(at(afterMs + 100, jumpMs).primaryCpuMilli).toBeGreaterThan(0)
  })

  it("says again what it measured when it is asked right after, and then measures over both", () => {
    open()
    at(0)
    setHost({ busy: 10 })
    expect(at(180).primaryCpuMilli).toBe(556)
    setHost({ busy: 14, usedMiB: 200 })
    expect(at(200)).toMatchObject({ primaryCpuMilli: 556, primaryMemMilli: 200_000 })
    setHost({ busy: 22 })
    expect(at(300).primaryCpuMilli).toBe(1_000)
  })

  it("follows cpus that come and go", () => {
    open()
    expect(at(0).capacityCpuMilli).toBe(2000)
    setHost({ busy: 3, cpus: 7 })
    expect(at(100)).toMatchObject({ capacityCpuMilli: 7000, primaryCpuMilli: 300 })
  })

  it("names every file that it cannot use, measures the rest, and recovers", () => {
    setHarvest(0, 1, 0)
    open()
    at(0)
    put("stat", "nonsense\n")
    put("group/memory.stat", "nothing 1\n")
    const sample = at(100)
    expect(sample.failures.map((error) => error.path)).toEqual([
      `${folder}/stat`,
      `${folder}/group/memory.stat`,
    ])
    expect(sample).toMatchObject({
      capacityCpuMilli: 2000,
      primaryCpuMilli: Number.NaN,
      primaryMemMilli: Number.NaN,
      capacityMemMilli: 1_000_000,
    })
    setHost({ busy: 1 })
    setHarvest(0, 1, 0)
    expect(at(200).primaryCpuMilli).toBeNaN()
    setHost({ busy: 2 })
    expect(at(300)).toMatchObject({ primaryCpuMilli: 100, failures: [] })
  })

  it("reads files of any length", () => {
    open()
    at(0)
    put("stat", `${cpuLine("cpu ", 5)}${cpuLine("cpu0", 5)}intr ${"1 ".repeat(40_000)}\n`)
    expect(at(100)).toMatchObject({ primaryCpuMilli: 500, capacityCpuMilli: 1000 })
  })
})
