import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { findMembers, type ProcessFacts } from "../../../../runtime/cgroups/unconfined/Processes.ts"

const processOf = (pid: number, more: Partial<ProcessFacts> & { readonly mark?: string }): ProcessFacts => ({
  pid,
  parentPid: 1,
  groupId: pid,
  sessionId: pid,
  startTicks: pid * 10,
  isStopped: false,
  cpuNanos: 0,
  systemNanos: 0,
  threads: 1,
  rssBytes: 0,
  containerId: () => more.mark,
  words: () => ["sleep", "9"],
  isOwn: () => true,
  ...more,
})

describe("the processes of an unconfined container", () => {
  let runDir = ""
  let root = ""
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "gleaner-processes-"))
    runDir = join(root, "c")
    mkdirSync(runDir)
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const launching = { words: () => ["/bin/sh", "/agent/launch.sh", runDir, "/sandbox"] }
  const inSession = { parentPid: 50, groupId: 50, sessionId: 50 }
  const pidsOf = (processes: ReadonlyArray<ProcessFacts>, session?: { pid: number; startTicks: number }) =>
    findMembers(processes, "c", session).members.map(({ pid }) => pid)
  const launcher = processOf(50, launching)
  const task = processOf(51, { ...inSession, mark: "c" })

  it("are not the launcher and what it starts to write down the end", () => {
    writeFileSync(join(runDir, "progress"), "joined 51 510\nuser\nexec\n")
    const dd = processOf(60, { ...inSession, words: () => ["dd", `of=${runDir}/status.new`] })
    const aboutToBeDd = processOf(61, { ...inSession, ...launching })
    const all = [launcher, task, dd, aboutToBeDd]
    expect(pidsOf(all)).toEqual([51])
    const { bystanders, groups } = findMembers(all, "c", undefined)
    expect([bystanders.map(({ pid }) => pid), groups]).toEqual([[50, 60, 61], [50]])
  })

  it("include a first process that has not yet told that it is one", () => {
    expect(pidsOf([launcher, processOf(51, { ...inSession, ...launching })])).toEqual([51])
  })

  it("include descendants that cleared their environment and left the session", () => {
    const left = processOf(70, { parentPid: 51 })
    expect(pidsOf([launcher, task, left, processOf(71, { parentPid: 70 }), processOf(80, {})])).toEqual([
      51, 70, 71,
    ])
  })

  it("are told apart from those of other containers, users and earlier pids", () => {
    const other = processOf(90, { mark: "d" })
    const impostor = processOf(91, { ...launching, isOwn: () => false })
    const child = processOf(92, { parentPid: 91, groupId: 91, sessionId: 91 })
    expect(pidsOf([other, impostor, child])).toEqual([])
    const orphan = processOf(53, { groupId: 50, sessionId: 50 })
    expect(pidsOf([orphan], { pid: 50, startTicks: 500 })).toEqual([53])
    const recycled = processOf(50, { startTicks: 777 })
    expect(pidsOf([recycled, orphan], { pid: 50, startTicks: 500 })).toEqual([])
  })

  it("give no group that strangers lead", () => {
    const shell = processOf(200, {})
    const marked = processOf(201, { parentPid: 200, groupId: 200, sessionId: 200, mark: "c" })
    expect(findMembers([shell, marked], "c", undefined)).toMatchObject({ groups: [], bystanders: [] })
  })
})
