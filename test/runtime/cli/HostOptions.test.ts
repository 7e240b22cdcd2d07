import { Effect, Option } from "effect"
import { describe, expect, it } from "vitest"
import { type HostArguments, readAdvertisedIp, readHostArguments } from "../../../runtime/cli/HostOptions.ts"

const host = (change: Partial<HostArguments> = {}): HostArguments => ({
  cpus: Option.none(),
  mem: Option.none(),
  taskUser: "nobody",
  allowRootTasks: false,
  cgroupParent: "gleaner",
  ...change,
})

describe("what of a host is lent", () => {
  it("is found out unless it is said", () => {
    expect(Effect.runSync(readHostArguments(host()))).toEqual({
      cpuMilli: null,
      memMilli: null,
      defaultUser: "nobody",
      allowRootTasks: false,
      cgroupParent: "gleaner",
    })
    const said = readHostArguments(host({ cpus: Option.some(0.5), mem: Option.some("1.5G") }))
    expect(Effect.runSync(said)).toMatchObject({ cpuMilli: 500, memMilli: 1_536_000 })
  })

  it.each<[string, Partial<HostArguments>]>([
    ["--cpus 0 must be", { cpus: Option.some(0) }],
    ["--cpus NaN must be", { cpus: Option.some(Number.NaN) }],
    ["--cpus 1000000001 must be", { cpus: Option.some(1e9 + 1) }],
    ["--mem 1T1 is not a size", { mem: Option.some("1T1") }],
    ["--mem 1000T must be at most", { mem: Option.some("1000T") }],
    ["--cgroup-parent a/b", { cgroupParent: "a/b" }],
  ])("is refused as wrong usage: %s", (message, change) => {
    const error = Effect.runSync(Effect.flip(readHostArguments(host(change))))
    expect(error.message).toContain(message)
    expect(error.exitCode).toBe(2)
  })
})

describe("the address to advertise", () => {
  it("is none, or one that others can connect to", () => {
    expect(Effect.runSync(readAdvertisedIp(Option.none()))).toBeNull()
    for (const ip of ["10.0.0.7", "fd00::7"])
      expect(Effect.runSync(readAdvertisedIp(Option.some(ip)))).toBe(ip)
    for (const ip of ["0.0.0.0", "::", "host.example", ""]) {
      const error = Effect.runSync(Effect.flip(readAdvertisedIp(Option.some(ip))))
      expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining(`--advertise ${ip}:`) })
    }
  })
})
