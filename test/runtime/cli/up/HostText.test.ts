import { describe, expect, it } from "vitest"
import { hostBlock, hostLine } from "../../../../runtime/cli/up/HostText.ts"
import type { HostView } from "../../../../runtime/protocol/HostView.ts"
import { agentView, clusterState, frameworkView } from "../ClusterViews.ts"

const host = (change: Partial<HostView> = {}): HostView => ({
  monitor: "held",
  beatAgeMs: 40,
  policy: "window-max",
  capacity: { cpuMilli: 4_000, memMilli: 16_384_000 },
  lent: { cpuMilli: 4_000, memMilli: 15_360_000 },
  reserve: { cpuMilli: 2_500, memMilli: 4_608_000 },
  lendable: { cpuMilli: 1_500, memMilli: 9_216_000 },
  primary: { cpuMilli: 1_254, memMilli: 3_174_400 },
  harvest: { cpuMilli: 480, memMilli: 64_000 },
  ceiling: { cpuMilli: 1_500, memMilli: null },
  tasks: 1,
  ...change,
})

describe("what up shows of its host", () => {
  it("is a block that fits 80 columns", () => {
    const state = clusterState({ slaves: [agentView()], frameworks: [frameworkView()] })
    const lines = hostBlock(host(), state)
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ["primary", "reserved", "lendable", "harvest", "ceiling", "host"],
      ["cpus", "1.25", "2.5", "1.5", "0.48", "1.5", "4"],
      ["mem", "3.1G", "4.5G", "9G", "64M", "none", "16G"],
      ["monitor holds the lease"],
      ["0 tasks: 0.5 cpus 64M · offered 3.5 cpus 7.9G · 1 framework"],
    ])
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })

  it("says why nothing is lent at first", () => {
    const everything = { cpuMilli: 4_000, memMilli: 16_384_000 }
    for (const reserve of [null, everything])
      expect(hostBlock(host({ reserve }), undefined)[3]).toBe(
        "monitor holds the lease; it keeps everything until it has seen enough",
      )
  })

  it("names what is not known, and never calls it nothing", () => {
    const unknown = host({
      monitor: "lost",
      beatAgeMs: null,
      reserve: null,
      capacity: null,
      primary: { cpuMilli: null, memMilli: null },
    })
    const line = hostLine(unknown, undefined)
    expect(line).toContain("cpus primary ?, reserved ?, lendable 1.5, harvest 0.48, ceiling 1.5, host ?")
    expect(line).toContain("no monitor yet: nothing is lent")
    expect(line).toContain("the master does not answer")
    expect(hostLine(host({ monitor: "none" }), undefined)).toContain("no monitor ·")
    expect(hostLine(host({ monitor: "lost" }), undefined)).toContain("monitor lost")
  })

  it("counts agents when they are not just this one", () => {
    const state = clusterState({
      slaves: [agentView(), agentView({ id: "m-S2", condition: "unreachable" })],
    })
    expect(hostLine(host(), state)).toContain(
      "1 agent (1 away) · 0 tasks: 0.5 cpus 64M · offered 3.5 cpus 7.9G",
    )
  })
})
