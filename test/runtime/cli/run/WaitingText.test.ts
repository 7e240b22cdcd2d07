import { describe, expect, it } from "vitest"
import { waitingReason } from "../../../../runtime/cli/run/WaitingText.ts"
import { agentView } from "../ClusterViews.ts"

const request = { cpus: 1, memMiB: 256 }
const why = (...slaves: ReadonlyArray<ReturnType<typeof agentView>>) => waitingReason(request, { slaves })
const primary = (cpus: number, mem: number) => ({ reserved_resources: { primary: { cpus, mem } } })

describe("what gleaner run waits for", () => {
  it("is a host, while none is connected", () => {
    expect(why()).toBe("no host is connected")
    expect(why(agentView({ condition: "disconnected" }))).toBe("no host is connected")
  })

  it("is less to be kept or held, on one host", () => {
    expect(why(agentView(primary(3, 1_024)))).toBe(
      "of cpus 4, mem 8G, host keeps cpus 3, mem 1G for its own work, and tasks hold cpus 0.5, mem 64M",
    )
    expect(why(agentView(primary(0, 8_000)))).toContain("keeps cpus 0, mem 7.8G")
  })

  it("is any of several hosts", () => {
    expect(why(agentView(primary(3, 1_024)), agentView(primary(4, 0)))).toBe(
      "none of 2 hosts has it free, at most cpus 0.5, mem 6.9G",
    )
  })

  it("is the master's turn when there is room", () => {
    expect(why(agentView(primary(4, 0)), agentView())).toContain("there is room")
  })

  it("will never come where no host is large enough", () => {
    expect(why(agentView({ resources: { cpus: 0.5, mem: 8_192 } }))).toContain("ask for less")
  })
})
