import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { parseCpuTimes } from "../../../runtime/host/CpuTimes.ts"
import { parseCounter, parsePageCacheBytes } from "../../../runtime/host/HarvestUse.ts"
import { parseMemoryUse } from "../../../runtime/host/MemoryUse.ts"

// Texts of el6 (2.6.32-220) follow spec/legacy-kernel.md: 9 columns, no MemAvailable, no total_shmem.

const el6Stat = `cpu  100 20 30 4000 500 6 7 8 50
cpu0 50 10 15 2000 250 3 4 4 25
cpu1 50 10 15 2000 250 3 3 4 25
intr 1234 5 6
ctxt 99
`
const modernStat = `cpu  543996 19 134042 1599600 5602 0 3255 76915 11 12
cpu0 259999 8 64931 816456 1500 0 657 38797 0 0
cpu2 259999 8 64931 816456 1500 0 657 38797 0 0
cpu3 283996 10 69110 783143 4102 0 2598 38117 0 0
intr 9113083 0
`
const el6Meminfo = `MemTotal:        1922028 kB
MemFree:          100000 kB
Buffers:           20000 kB
Cached:           300000 kB
SwapCached:            0 kB
Shmem:             50000 kB
Slab:              70000 kB
SReclaimable:      30000 kB
`
const el7Meminfo = `MemTotal:        1922028 kB\nMemFree:          100000 kB\nMemAvailable:    700000 kB\n`

describe("CpuTimes", () => {
  it("counts steal as busy, iowait as idle and guest once, with 8, 9 and 10 columns", () => {
    const busyTicks = 100 + 20 + 30 + 6 + 7 + 8
    expect(parseCpuTimes(el6Stat)).toEqual({ busyTicks, onlineCpus: 2 })
    expect(parseCpuTimes(el6Stat.replace("8 50\n", "8\n"))).toEqual({ busyTicks, onlineCpus: 2 })
    expect(parseCpuTimes(modernStat)).toEqual({
      busyTicks: 543996 + 19 + 134042 + 3255 + 76915,
      onlineCpus: 3,
    })
  })

  it.each([
    ["", "does not begin"],
    ["intr 1\n", "does not begin"],
    ["cpu  1 2 3 4 5 6 7\ncpu0 1 2 3 4 5 6 7\n", "line 1 has 7 columns"],
    ["cpu  1 2 3 4 5 x 7 8\ncpu0 1\n", 'line 1, column 6 is "x"'],
    ["cpu  1 2 3 4 5 6 7 8\nintr 5\n", "no line of a single cpu"],
  ])("refuses %j and names the file", (text, reason) => {
    expect(() => parseCpuTimes(text, "/somewhere/stat")).toThrow("/somewhere/stat")
    expect(() => parseCpuTimes(text)).toThrow(reason)
  })
})

describe("MemoryUse", () => {
  it("takes the kernel's estimate, or the formula for kernels without one", () => {
    expect(parseMemoryUse(el7Meminfo)).toEqual({ totalKiB: 1922028, availableKiB: 700000 })
    expect(parseMemoryUse(el6Meminfo)).toEqual({ totalKiB: 1922028, availableKiB: 400000 })
  })

  it("never says less than nothing or more than all", () => {
    expect(parseMemoryUse(el6Meminfo.replace("Shmem:             50000", "Shmem: 999999")).availableKiB).toBe(
      0,
    )
    expect(parseMemoryUse(el7Meminfo.replace("700000", "99999999")).availableKiB).toBe(1922028)
  })

  it("names the line that is missing", () => {
    expect(() => parseMemoryUse(el6Meminfo.replace("SReclaimable", "Other"))).toThrow(
      '/proc/meminfo: it has no line "SReclaimable: … kB"',
    )
    expect(() => parseMemoryUse("")).toThrow("MemTotal")
  })
})

describe("HarvestUse", () => {
  const shared =
    "cache 9\nrss 1\ntotal_cache 9000\ntotal_rss 5\ntotal_shmem 2000\ntotal_inactive_file 1\ntotal_active_file 2\n"
  it("counts as page cache only what can be dropped", () => {
    expect(parsePageCacheBytes(shared, "f")).toBe(7000)
    const el6 =
      "cache 9\ntotal_cache 9000\ntotal_inactive_file 3000\ntotal_active_file 400\ntotal_unevictable 0\n"
    expect(parsePageCacheBytes(el6, "f")).toBe(3400)
    expect(parsePageCacheBytes(el6.trim(), "f")).toBe(3400)
    expect(() => parsePageCacheBytes("cache 9\n", "/g/memory.stat")).toThrow("/g/memory.stat")
  })

  it("takes whole numbers only", () => {
    expect(parseCounter("123\n", "f")).toBe(123)
    for (const text of ["", "-1\n", "1e3", "x"])
      expect(() => parseCounter(text, "/g/usage")).toThrow("/g/usage")
  })
})

it("reads this host's own files", () => {
  const { busyTicks, onlineCpus } = parseCpuTimes(readFileSync("/proc/stat", "utf8"))
  expect(onlineCpus).toBeGreaterThan(0)
  expect(busyTicks).toBeGreaterThan(0)
  const { totalKiB, availableKiB } = parseMemoryUse(readFileSync("/proc/meminfo", "utf8"))
  expect(availableKiB).toBeGreaterThan(0)
  expect(availableKiB).toBeLessThan(totalKiB)
})
