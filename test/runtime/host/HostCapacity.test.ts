import { Effect } from "effect"
import { expect, it } from "vitest"
import {
  offerable,
  parseDfKiB,
  parseMemTotalKiB,
  parseOnlineCpus,
  readTotal,
} from "../../../runtime/host/HostCapacity.ts"

it("reads the files of an el6 host", () => {
  expect(parseOnlineCpus("cpu  1 2 3\ncpu0 1 2\ncpu2 1 2\nintr 5\ncpu10 1\n")).toBe(3)
  expect(parseMemTotalKiB("MemTotal:        2097152 kB\nMemFree: 5 kB\n")).toBe(2_097_152)
  const df =
    "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/mapper/a b 41153856 100 41053756 1% /mnt/x y\n"
  expect(parseDfKiB(df)).toBe(41_153_856)
  expect([parseMemTotalKiB(""), parseDfKiB("")]).toEqual([Number.NaN, Number.NaN])
})

it("spares 1 GB and 5 GB, or half of what is small", () => {
  const host = { cpuMilli: 4_000, memMilli: 2_048_000, diskMilli: 10_239_999 }
  expect(offerable(host)).toEqual({ cpuMilli: 4_000, memMilli: 1_024_000, diskMilli: 5_119_999 })
  expect(offerable({ ...host, memMilli: 2_047_999, diskMilli: 20_480_000 })).toEqual({
    cpuMilli: 4_000,
    memMilli: 1_023_999,
    diskMilli: 15_360_000,
  })
})

it("finds whole, positive figures on this host and names what it cannot read", async () => {
  const total = await Effect.runPromise(readTotal("/"))
  for (const value of Object.values(total)) expect(Number.isSafeInteger(value) && value > 0).toBe(true)
  const error = await Effect.runPromise(Effect.flip(readTotal("/no/such folder")))
  expect(error).toMatchObject({ _tag: "HostCapacityUnknown", path: "/no/such folder" })
})
