import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { makeMemoryKernel } from "../../../runtime/cgroups/MemoryKernel.ts"
import type { PlainKernel } from "../../../runtime/cgroups/PlainKernel.ts"
import { makeCpuCeiling, RaiseNotTrusted } from "../../../runtime/monitor/CpuCeiling.ts"

const parent = "/sys/fs/cgroup/cpu,cpuacct/harvest"
const quotaOf = (group: string) => `${group}/cpu.cfs_quota_us`

/** A parent with a task; between looking at the groups and writing, this process stands still for a while. */
const makeScene = async () => {
  const { kernel } = makeMemoryKernel()
  for (const group of [parent, `${parent}/task`]) await Effect.runPromise(kernel.mkdir(group))
  const { plain } = kernel
  plain.write(quotaOf(parent), "200000")
  plain.write(quotaOf(`${parent}/task`), "200000")
  const state = { isTrusted: true, whileStopped: () => {} }
  const slow: PlainKernel = {
    ...plain,
    groups: (path) => {
      const found = plain.groups(path)
      if (path === parent) state.whileStopped()
      return found
    },
  }
  const ceiling = makeCpuCeiling({ kernel: slow, folder: parent, mayRaise: () => state.isTrusted })
  return { ceiling, plain, state }
}

describe("CpuCeiling", () => {
  it("lowers without a lease, children first, and raises nothing", async () => {
    const { ceiling, plain, state } = await makeScene()
    state.isTrusted = false
    expect(ceiling.move(500, [["task", { cpuMilli: 2_000 }]])).toBe("lowered")
    expect(plain.read(quotaOf(parent)).trim()).toBe("50000")
    expect(plain.read(quotaOf(`${parent}/task`)).trim()).toBe("50000")
    expect(() => ceiling.move(600, [])).toThrow(RaiseNotTrusted)
    expect(plain.read(quotaOf(parent)).trim()).toBe("50000")
  })

  it("does not raise what the agent has floored while it stood still amid a move down", async () => {
    const { ceiling, plain, state } = await makeScene()
    state.whileStopped = () => {
      state.isTrusted = false
      plain.write(quotaOf(`${parent}/task`), "2000")
      plain.write(quotaOf(parent), "2000")
    }
    expect(() => ceiling.move(1_500, [["task", { cpuMilli: 2_000 }]])).toThrow(RaiseNotTrusted)
    expect(plain.read(quotaOf(parent)).trim()).toBe("2000")
  })

  it("lowers a group of another period, which has to be lifted for a moment", async () => {
    const { ceiling, plain, state } = await makeScene()
    plain.write(quotaOf(`${parent}/task`), "-1")
    plain.write(quotaOf(parent), "-1")
    plain.write(`${parent}/cpu.cfs_period_us`, "50000")
    plain.write(quotaOf(parent), "100000")
    state.isTrusted = false
    expect(ceiling.read()).toBe(2_000)
    expect(ceiling.move(300, [])).toBe("lowered")
    expect(plain.read(quotaOf(parent)).trim()).toBe("30000")
    expect(plain.read(`${parent}/cpu.cfs_period_us`).trim()).toBe("100000")
  })
})
