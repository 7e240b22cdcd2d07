import { describe, expect, it } from "vitest"
import { createLiveLine, statusLine } from "../../../../runtime/cli/up/StatusLine.ts"
import { agentView, clusterState, frameworkView } from "../ClusterViews.ts"

describe("the status line", () => {
  it("counts nothing as nothing", () => {
    expect(statusLine(clusterState())).toBe(
      "0 agents · cpus 0 of 0 lent · mem 0M of 0M lent · 0 tasks · 0 frameworks",
    )
  })

  it("adds up what connected agents lend, and says how many are away", () => {
    const state = clusterState({
      slaves: [agentView(), agentView({ id: "m-S1", used_resources: { cpus: 0.1, mem: 0 } })].concat(
        agentView({ id: "m-S2", condition: "unreachable" }),
      ),
      frameworks: [frameworkView({ tasks: [] })],
    })
    expect(statusLine(state)).toBe(
      "2 agents (1 away) · cpus 0.6 of 8 lent · mem 64M of 16G lent · 0 tasks · 1 framework",
    )
  })
})

describe("a live line", () => {
  const stream = (isTTY: boolean, columns: number) => {
    const written: Array<string> = []
    const fake = { isTTY, columns, write: (text: string) => written.push(text) }
    return { written, line: createLiveLine(fake as unknown as NodeJS.WriteStream) }
  }

  it("replaces itself on a terminal, cut to its width, and ends once", () => {
    const { written, line } = stream(true, 10)
    line.show("short")
    line.show("0123456789")
    line.end()
    line.end()
    expect(written).toEqual(["\r\u001b[2Kshort", "\r\u001b[2K01234567…", "\n"])
  })

  it("is written elsewhere only when it changes", () => {
    const { written, line } = stream(false, 10)
    for (const text of ["one", "one", "two"]) line.show(text)
    line.end()
    expect(written).toEqual(["one\n", "two\n"])
  })
})
