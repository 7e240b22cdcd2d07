import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type HostView, hostViewPath } from "../../../runtime/protocol/HostView.ts"
import { Cluster } from "../Gleaner.ts"

/** Follows the primary within seconds, so that a test sees both ways. */
export const fastPolicy = {
  version: 1,
  policy: "usage-margin",
  parameters: { margin: 0.05 },
  intervalMs: 1_000,
  horizonMs: 5_000,
}

/** `gleaner up` with a policy, and what can be seen of it from outside. */
export class LentHost {
  private constructor(
    readonly cluster: Cluster,
    private readonly policyPath: string,
  ) {}

  static async start(policy: object): Promise<LentHost> {
    const policyPath = join(tmpdir(), `gleaner-load-${process.pid}.policy.json`)
    writeFileSync(policyPath, JSON.stringify(policy))
    return new LentHost(
      await Cluster.start(["--no-without-monitor", "--policy", policyPath, "--monitor-port", "0"]),
      policyPath,
    )
  }

  /** What the agent tells people of its host. */
  async view(): Promise<HostView> {
    const url = /agent +(http\S+)/.exec(this.cluster.up.stdout)![1]!
    const headers = { Authorization: `Bearer ${this.cluster.secret}` }
    const answer = await fetch(`${url}${hostViewPath}`, { headers })
    if (!answer.ok) throw new Error(`${url}${hostViewPath}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as HostView
  }

  /** What the master keeps of this host for its primary, cpus; 0 when nothing. */
  async reservedCpus(): Promise<number> {
    const headers = { Authorization: `Bearer ${this.cluster.secret}` }
    const state = (await (await fetch(`${this.cluster.url}/state`, { headers })).json()) as {
      readonly slaves: ReadonlyArray<{
        readonly reserved_resources: { readonly primary?: { readonly cpus?: number } }
      }>
    }
    return state.slaves[0]?.reserved_resources.primary?.cpus ?? 0
  }

  /** The kernel's word: µs of cpu in each period for all that is lent. */
  ceilingQuotaMicros(): number {
    const path = `/sys/fs/cgroup/cpu/${this.cluster.cgroupParent}/cpu.cfs_quota_us`
    return Number(readFileSync(path, "utf8"))
  }

  async end(): Promise<void> {
    await this.cluster.stop()
    this.cluster.remove()
    rmSync(this.policyPath, { force: true })
  }
}
