import { describe, expect, it } from "vitest"
import { childWords, type UpSettings } from "../../../../runtime/cli/up/ChildWords.ts"
import { readSettings } from "../../../../runtime/config/ReadSettings.ts"
import { agentSection } from "../../../../runtime/config/sections/AgentSection.ts"
import { masterSection } from "../../../../runtime/config/sections/MasterSection.ts"
import { monitorSection } from "../../../../runtime/config/sections/MonitorSection.ts"
import { upSection } from "../../../../runtime/config/sections/UpSection.ts"

const up = (words: ReadonlyArray<string>, environment: Record<string, string> = {}): UpSettings => {
  const reading = readSettings(upSection, words, { environment, homeFolder: "/h", userId: 0 })
  if (reading._tag !== "Settled") throw new Error(JSON.stringify(reading))
  return reading.settled
}

describe("the words of a daemon that up starts", () => {
  it("are what up alone was told: the rest is found by the daemon", () => {
    const settled = up(["--port", "0", "--no-authentication"], {
      GLEANER_HOST: "::1",
      GLEANER_UP_AGENT_PORT: "7",
    })
    expect(childWords("master", settled)).toEqual([
      ...["master", "--data", "/var/lib/gleaner", "--port", "0", "--no-authentication"],
    ])
    expect(childWords("agent", settled)).toEqual(["agent", "--data", "/var/lib/gleaner", "--port", "7"])
  })

  it("are understood by it, every one", () => {
    const settled = up([
      ...[
        "--host",
        "::1",
        "--advertise",
        "10.0.0.1",
        "--port",
        "1",
        "--agent-port",
        "2",
        "--monitor-port",
        "3",
      ],
      ...[
        "--cpus",
        "1.5",
        "--mem",
        "1100M",
        "--task-user",
        "me",
        "--allow-root-tasks",
        "--cgroup-parent",
        "x",
      ],
      ...[
        "--without-monitor",
        "--unconfined",
        "--policy",
        "p",
        "--guard-period",
        "50ms",
        "--no-authentication",
      ],
    ])
    const surroundings = { environment: {}, homeFolder: "/h", userId: 0 }
    const master = readSettings(masterSection, childWords("master", settled).slice(1), surroundings)
    expect(master).toMatchObject({
      settled: { values: { host: "::1", advertise: "10.0.0.1", port: 1, authentication: false } },
    })
    const agent = readSettings(agentSection, childWords("agent", settled).slice(1), surroundings)
    expect(agent).toMatchObject({
      settled: { values: { port: 2, cpus: 1.5, mem: 1_100, taskUser: "me", withoutMonitor: true } },
    })
    expect(agent).toMatchObject({
      settled: { values: { allowRootTasks: true, cgroupParent: "x", unconfined: true } },
    })
    const monitor = readSettings(monitorSection, childWords("monitor", settled).slice(1), surroundings)
    expect(monitor).toMatchObject({ settled: { values: { port: 3, policy: "p", guardPeriod: 50 } } })
  })
})
