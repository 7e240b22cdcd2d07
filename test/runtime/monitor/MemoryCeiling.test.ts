import { describe, expect, it } from "vitest"
import { KernelRefused } from "../../../runtime/cgroups/KernelErrors.ts"
import { makeMemoryCeiling } from "../../../runtime/monitor/MemoryCeiling.ts"

const MiB = 1024 * 1024

/** A parent group as v1 has it: limits below the use are refused, and an answer comes when the test lets it. */
const makeParent = (given: { limit?: number; usage?: number; isTrusted?: boolean } = {}) => {
  const files = new Map<string, number>([
    ["memory.limit_in_bytes", given.limit ?? 2 ** 63],
    ["memory.memsw.limit_in_bytes", given.limit ?? 2 ** 63],
    ["memory.usage_in_bytes", given.usage ?? 0],
  ])
  const writes: Array<string> = []
  const inUse: Array<readonly [number, number]> = []
  const failures: Array<Error> = []
  const written: Array<number> = []
  const state = { isTrusted: given.isTrusted ?? true, gate: Promise.resolve() }
  const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1)
  const refuse = (path: string, errno: string) => new KernelRefused({ operation: "write", path, errno })
  const ceiling = makeMemoryCeiling({
    folder: "/m/g",
    kernel: {
      read: (path) => {
        const value = files.get(nameOf(path))
        if (value === undefined) throw new KernelRefused({ operation: "read", path, errno: "ENOENT" })
        return `${value}\n`
      },
      write: () => expect.unreachable("memory is never written on the guard loop's thread"),
      groups: () => [],
    },
    mayRaise: () => state.isTrusted,
    onInUse: (limit, usage) => inUse.push([limit, usage]),
    onFailure: (error) => failures.push(error),
    onWritten: () => written.push(files.get("memory.limit_in_bytes")! / MiB),
    exists: () => true,
    write: async (path, text) => {
      await state.gate
      const bytes = Number(text)
      const [plain, withSwap] = [
        files.get("memory.limit_in_bytes")!,
        files.get("memory.memsw.limit_in_bytes")!,
      ]
      if (nameOf(path) === "memory.limit_in_bytes" ? bytes > withSwap : bytes < plain)
        throw refuse(path, "EINVAL")
      if (bytes < files.get("memory.usage_in_bytes")!) throw refuse(path, "EBUSY")
      files.set(nameOf(path), bytes)
      writes.push(`${nameOf(path)} ${bytes / MiB}`)
    },
  })
  return { ceiling, files, writes, written, inUse, failures, state }
}

describe("MemoryCeiling", () => {
  it("moves both limits in the order that the kernel wants", async () => {
    const { ceiling, writes, failures } = makeParent()
    expect(ceiling.read()).toBe("unlimited")
    ceiling.want(100_000)
    await ceiling.settled()
    ceiling.want(50_000)
    await ceiling.settled()
    ceiling.want(80_000)
    await ceiling.settled()
    expect(ceiling.read()).toBe(80_000)
    expect(failures).toEqual([])
    expect(writes.map((write) => write.split(" ")[0]!.includes("memsw"))).toEqual([
      false,
      true,
      false,
      true,
      true,
      false,
    ])
  })

  it("stays as near as it can above what is in use, says so, and gets there when it can", async () => {
    const { ceiling, files, inUse, failures } = makeParent({ limit: 1_000 * MiB, usage: 300 * MiB })
    ceiling.want(100_000)
    await ceiling.settled()
    expect(inUse).toEqual([[100 * MiB, 300 * MiB]])
    expect(files.get("memory.limit_in_bytes")).toBe(301 * MiB)
    expect(files.get("memory.memsw.limit_in_bytes")).toBe(301 * MiB)
    // Never up again while it waits.
    files.set("memory.usage_in_bytes", 301 * MiB)
    ceiling.retry()
    await ceiling.settled()
    expect(files.get("memory.limit_in_bytes")).toBe(301 * MiB)
    files.set("memory.usage_in_bytes", 10 * MiB)
    ceiling.retry()
    await ceiling.settled()
    expect(files.get("memory.limit_in_bytes")).toBe(100 * MiB)
    expect(failures).toEqual([])
  })

  it("raises nothing that the lease does not cover at that moment, and lowers all the same", async () => {
    const { ceiling, files, state } = makeParent({ limit: 100 * MiB, isTrusted: false })
    ceiling.want(200_000)
    await ceiling.settled()
    expect(files.get("memory.limit_in_bytes")).toBe(100 * MiB)
    ceiling.want(50_000)
    await ceiling.settled()
    expect(files.get("memory.limit_in_bytes")).toBe(50 * MiB)
    state.isTrusted = true
    ceiling.want(200_000)
    await ceiling.settled()
    expect(files.get("memory.limit_in_bytes")).toBe(200 * MiB)
  })

  it("raises nothing when it lowers too late: the agent has lowered further meanwhile", async () => {
    const { ceiling, files, state } = makeParent({ limit: 400 * MiB, isTrusted: false })
    let open = () => {}
    state.gate = new Promise<void>((resolve) => {
      open = resolve
    })
    ceiling.want(300_000)
    ceiling.want(200_000)
    // While the first write is under way, which the kernel then does last.
    files.set("memory.memsw.limit_in_bytes", 100 * MiB)
    files.set("memory.limit_in_bytes", 100 * MiB)
    open()
    await ceiling.settled()
    expect(files.get("memory.limit_in_bytes")).toBe(100 * MiB)
  })

  it("tells when a limit is in force", async () => {
    const { ceiling, written, state } = makeParent({ limit: 1_000 * MiB, usage: 300 * MiB })
    ceiling.want(500_000)
    expect(written).toEqual([])
    await ceiling.settled()
    ceiling.want(100_000)
    await ceiling.settled()
    expect(written).toEqual([500, 301])
    state.isTrusted = false
    ceiling.want(100_000)
    await ceiling.settled()
  })

  it("does the newest of several wishes when a slow reclaim is over", async () => {
    const { ceiling, writes, state } = makeParent({ limit: 1_000 * MiB })
    let open = () => {}
    state.gate = new Promise<void>((resolve) => {
      open = resolve
    })
    ceiling.want(900_000)
    for (const wish of [800_000, 700_000, 600_000]) ceiling.want(wish)
    open()
    await ceiling.settled()
    expect(writes.map((write) => write.split(" ")[1])).toEqual(["900", "900", "600", "600"])
  })

  it("takes a parent that is not there for nothing to do", async () => {
    const { ceiling, files, failures, writes } = makeParent()
    files.delete("memory.limit_in_bytes")
    expect(ceiling.read()).toBeUndefined()
    ceiling.want(1_000)
    await ceiling.settled()
    expect([failures, writes]).toEqual([[], []])
  })
})
