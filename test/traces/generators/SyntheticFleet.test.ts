import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { createSyntheticFleet, defaultFleet } from "../../../traces/generators/SyntheticFleet.ts"

const fleet = createSyntheticFleet()
const hostsOf = (kind: string) => fleet.hosts.flatMap((name, host) => (name.startsWith(kind) ? [host] : []))
const seriesOf = (shares: Float32Array, host: number) =>
  shares.slice(host * fleet.steps, (host + 1) * fleet.steps)
const meanOf = (values: ReadonlyArray<number>) =>
  values.reduce((sum, value) => sum + value, 0) / values.length
const knownOf = (shares: Float32Array) => Array.from(shares).filter((share) => !Number.isNaN(share))

describe("the synthetic fleet", () => {
  it("says that it is synthetic, and is 60 hosts × 14 days × 5 minutes", () => {
    expect(fleet.synthetic).toBe(true)
    expect(fleet.name).toContain("synthetic")
    expect(fleet.provenance).toContain("invented")
    expect([fleet.hosts.length, fleet.steps, fleet.intervalMs]).toEqual([60, 14 * 288, 300_000])
    expect(fleet.cpu.length).toBe(60 * 14 * 288)
    expect(fleet.mem!.length).toBe(fleet.cpu.length)
  })

  it("is the same for the same seed, another for another, and grows without changing", () => {
    const same = (a: Float32Array, b: Float32Array) =>
      Buffer.from(a.slice().buffer).equals(Buffer.from(b.slice().buffer))
    expect(same(createSyntheticFleet().cpu, fleet.cpu)).toBe(true)
    expect(same(createSyntheticFleet({ ...defaultFleet, seed: 2 }).cpu, fleet.cpu)).toBe(false)
    const small = createSyntheticFleet({ ...defaultFleet, hosts: 3 })
    expect(same(small.cpu, fleet.cpu.slice(0, small.cpu.length))).toBe(true)
    expect(small.hosts).toEqual(fleet.hosts.slice(0, 3))
  })

  it("has the same bytes on every machine and Node version", () => {
    const digest = createHash("sha256")
      .update(Buffer.from(fleet.cpu.buffer))
      .update(Buffer.from(fleet.mem!.buffer))
    expect(digest.digest("hex").slice(0, 16)).toBe("bb9557310db97a18")
  })

  it("has a few missing samples and shares between 0 and 1", () => {
    const known = knownOf(fleet.cpu)
    expect(known.every((share) => share >= 0 && share <= 1)).toBe(true)
    expect(known.length).toBeLessThan(fleet.cpu.length)
    expect(known.length).toBeGreaterThan(fleet.cpu.length * 0.99)
  })

  it("is busier by day than by night, and on workdays than on Sunday, where people work", () => {
    const usage = (host: number, day: number, fromHour: number, toHour: number) =>
      meanOf(knownOf(seriesOf(fleet.cpu, host).slice(day * 288 + fromHour * 12, day * 288 + toHour * 12)))
    const offices = hostsOf("office")
    const mean = (day: number, from: number, to: number) =>
      meanOf(offices.map((host) => usage(host, day, from, to)))
    expect(mean(0, 10, 12)).toBeGreaterThan(2 * mean(0, 0, 4))
    expect(mean(0, 10, 12)).toBeGreaterThan(2 * mean(6, 10, 12))
  })

  it("has idle hosts, pinned ones, bursts and different capacities", () => {
    const meansOf = (kind: string) => hostsOf(kind).map((host) => meanOf(knownOf(seriesOf(fleet.cpu, host))))
    expect(Math.max(...meansOf("idle"))).toBeLessThan(0.05)
    expect(Math.min(...meansOf("pinned"))).toBeGreaterThan(0.9)
    expect(Math.max(...knownOf(seriesOf(fleet.cpu, hostsOf("idle")[0]!)))).toBeGreaterThan(0.1)
    expect(new Set(fleet.cpuMilli).size).toBeGreaterThan(3)
    expect(fleet.cpuMilli.every((milli) => Number.isInteger(milli) && milli > 0)).toBe(true)
  })
})
