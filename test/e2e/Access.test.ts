import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { request } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeAuthority, missingForCertificates } from "../support/Certificates.ts"
import {
  Cluster,
  eventually,
  gleaner,
  missingForEnforcement,
  processesOf,
  startGleaner,
} from "../support/Gleaner.ts"

// A whole cluster over HTTPS with principals and rules, and what of its secrets can be read anywhere: nothing.

const alicesSecret = "alices-own-secret-that-nobody-may-read"
const token = "a-token-that-nobody-may-read-0123456789"
const hostSecret = "the-secret-of-an-agent-that-nobody-may-read"

describe.skipIf((missingForEnforcement ?? missingForCertificates) !== undefined)(
  "access to a cluster",
  () => {
    let folder!: string
    let cluster!: Cluster
    let ca!: string
    let key!: string
    let tlsWords!: ReadonlyArray<string>
    let environment!: Record<string, string>
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "gleaner-access-e2e-"))
      const authority = makeAuthority(folder)
      const server = authority.sign("server", "IP:127.0.0.1")
      ca = authority.ca
      key = server.key
      const credentials = join(folder, "credentials.json")
      const file = {
        credentials: [
          { principal: "alice", secret: alicesSecret },
          { principal: "host-7", secret: hostSecret },
        ],
        tokens: [{ principal: "watcher", token }],
      }
      writeFileSync(credentials, JSON.stringify(file), { mode: 0o600 })
      const acls = join(folder, "acls.json")
      const any = { type: "ANY" }
      const rules = {
        permissive: false,
        register_frameworks: [{ principals: { values: ["alice"] }, roles: any }],
        run_tasks: [{ principals: { values: ["alice"] }, users: any }],
        access_sandboxes: [{ principals: { values: ["alice"] }, users: any }],
        register_agents: [{ principals: { values: ["host-7"] }, agents: any }],
        view_roles: [{ principals: { values: ["watcher"] }, roles: any }],
      }
      writeFileSync(acls, JSON.stringify(rules), { mode: 0o644 })
      tlsWords = ["--tls-ca", ca, "--tls-cert", server.cert, "--tls-key", key]
      environment = { GLEANER_TLS_CA: ca }
      cluster = await Cluster.start([...tlsWords, "--credentials", credentials, "--acls", acls])
    })
    afterAll(async () => {
      await cluster?.stop()
      cluster?.remove()
      rmSync(folder, { recursive: true, force: true })
    })

    const ask = (
      url: string,
      authorization?: string,
      body?: string,
    ): Promise<{ status: number; text: string }> =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          url,
          {
            method: body === undefined ? "GET" : "POST",
            ca: readFileSync(ca),
            headers: {
              "Content-Type": "application/json",
              ...(authorization === undefined ? {} : { Authorization: authorization }),
            },
          },
          (response) => {
            let text = ""
            response.on("data", (chunk: Buffer) => {
              text += chunk.toString("latin1")
            })
            response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
          },
        )
        outgoing.on("error", reject)
        outgoing.end(body)
      })
    const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`
    const agentUrl = () => /agent +(https\S+)/.exec(cluster.up.stdout)?.[1] ?? ""

    it("is over HTTPS, for commands too, which need to know who signs", async () => {
      expect(cluster.url).toMatch(/^https:/)
      expect(agentUrl()).toMatch(/^https:/)
      const data = ["--data", cluster.data]
      const run = await gleaner(["run", ...data, "--", "echo", "over", "TLS"], environment)
      expect([run.code, run.stdout]).toEqual([0, "over TLS\n"])
      const status = await gleaner(["status", ...data], environment)
      expect([status.code, status.stderr]).toEqual([0, ""])
      const blind = await gleaner(["status", ...data])
      expect(blind.code).toBe(1)
      expect(blind.stderr).toContain("name with --tls-ca who has signed its certificate")
    })

    it("is what the rules give a principal: by its secret, by its token, and for a command that comes as one", async () => {
      const rolesOf = (who: string) => ask(`${cluster.url}/roles`, who)
      expect((await rolesOf(basic(`alice:${alicesSecret}`))).status).toBe(200)
      expect((await rolesOf(`Bearer ${token}`)).status).toBe(200)
      expect((await rolesOf(basic("alice:wrong"))).status).toBe(401)
      expect((await ask(`${cluster.url}/flags`, `Bearer ${token}`)).status).toBe(403)
      expect((await ask(`${cluster.url}/flags`, basic(`me:${cluster.secret}`))).status).toBe(200)
      const proof = join(folder, "alice.json")
      writeFileSync(proof, JSON.stringify({ principal: "alice", secret: alicesSecret }), { mode: 0o600 })
      const words = ["run", "--master", cluster.url, "--secret-file", proof, "--", "echo", "alice"]
      const run = await gleaner(words, environment)
      expect([run.stderr, run.code, run.stdout]).toEqual(["", 0, "alice\n"])
      const watcher = join(folder, "watcher")
      writeFileSync(watcher, `${token}\n`, { mode: 0o600 })
      const refused = await gleaner(
        ["run", "--master", cluster.url, "--secret-file", watcher, "--", "true"],
        environment,
      )
      expect(refused.code).not.toBe(0)
      expect(refused.stderr).toMatch(/Not authorized to register framework .* with roles/)
    })

    it("lets an agent in that comes as a principal with the right to, and no other", async () => {
      const start = (name: string, content: string) => {
        const data = join(folder, name)
        const proof = join(folder, `${name}.proof`)
        writeFileSync(proof, content, { mode: 0o600 })
        return startGleaner(
          [
            ...["agent", "--data", data, "--master", cluster.url, "--secret-file", proof, "--port", "0"],
            ...["--cgroup-parent", `${cluster.cgroupParent}-${name}`, "--without-monitor", "--cpus", "1"],
            ...["--mem", "64M", ...tlsWords],
          ],
          environment,
        )
      }
      const host = start("host", JSON.stringify({ principal: "host-7", secret: hostSecret }))
      await host.says('"ready":true')
      const stranger = start("stranger", JSON.stringify({ principal: "alice", secret: alicesSecret }))
      await stranger.says(/403/)
      for (const agent of [host, stranger]) {
        agent.signal("SIGUSR1")
        await agent.finished
      }
      expect(host.stderr + stranger.stderr).not.toContain(hostSecret)
      expect(host.stderr + stranger.stderr).not.toContain(alicesSecret)
    })

    it("leaves its secrets nowhere: not in answers, logs, the journal, command lines, nor what tasks can see", async () => {
      const secrets = [
        cluster.secret,
        alicesSecret,
        token,
        hostSecret,
        readFileSync(key, "utf8").split("\n")[1]!,
      ]
      const found: Array<string> = []
      let searched = 0
      const search = (place: string, text: string) => {
        searched += 1
        for (const secret of secrets) {
          const shapes = [
            secret,
            Buffer.from(secret).toString("base64").slice(0, -4),
            encodeURIComponent(secret),
          ]
          if (shapes.some((shape) => text.includes(shape)))
            found.push(`${place} holds ${secret.slice(0, 8)}…`)
        }
      }
      const me = `Bearer ${cluster.secret}`
      const taskPids = () =>
        readdirSync("/proc").filter((pid) => {
          try {
            return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep\x001000")
          } catch {
            return false
          }
        })
      const task = startGleaner(["run", "--data", cluster.data, "--", "sleep", "1000"], environment)
      await eventually(() => (taskPids().length > 0 ? true : undefined))
      for (const pid of taskPids())
        search(`/proc/${pid}/environ`, readFileSync(`/proc/${pid}/environ`, "latin1"))

      const paths = [
        ...["state", "state-summary", "slaves", "frameworks", "tasks", "roles", "weights", "quota", "flags"],
        ...[
          "metrics/snapshot",
          "metrics",
          "health",
          "version",
          "redirect",
          "maintenance/schedule",
          "explain",
        ],
      ]
      const strangers = [undefined, "Bearer wrong", basic(`alice:${alicesSecret.slice(1)}`)]
      for (const url of [cluster.url, agentUrl()]) {
        for (const path of [...paths, "gleaner/v1/host", "nowhere"]) {
          for (const who of [me, ...strangers])
            search(`${url}/${path}`, (await ask(`${url}/${path}`, who)).text)
        }
      }
      const calls = ["GET_STATE", "GET_FLAGS", "GET_FRAMEWORKS", "GET_AGENTS", "GET_MASTER", "GET_METRICS"]
      for (const type of [...calls, "GET_OPERATIONS", "nonsense"]) {
        search(type, (await ask(`${cluster.url}/api/v1`, me, JSON.stringify({ type, get_metrics: {} }))).text)
      }
      // Also what a client says of itself in a request that fails must not be repeated.
      search("an error", (await ask(`${cluster.url}/api/v1`, me, "{")).text)
      search("gleaner up", cluster.up.stdout + cluster.up.stderr)
      const config = await gleaner(["master", ...tlsWords, "--print-config", "--json"], environment)
      search("--print-config", config.stdout + config.stderr)
      for (const line of processesOf(cluster.data)) search("ps", line)
      // The task's end takes away files that would be listed here.
      task.signal("SIGINT")
      await task.finished
      const kept = (path: string): ReadonlyArray<string> => {
        const kind = lstatSync(path)
        if (kind.isDirectory()) return readdirSync(path).flatMap((name) => kept(join(path, name)))
        return kind.isFile() ? [path] : []
      }
      for (const path of kept(cluster.data)) search(path, readFileSync(path, "latin1"))
      search("gleaner run", task.stdout + task.stderr)
      // Where it belongs it is found, so the search does find.
      expect(found).toEqual([`${join(cluster.data, "secret")} holds ${cluster.secret.slice(0, 8)}…`])
      expect(searched).toBeGreaterThan(100)
    })

    it("is not given by files that are wrong: the master does not start, and says where without the secret", async () => {
      const wrong = join(folder, "wrong.json")
      const start = (content: string, mode: number, ...words: ReadonlyArray<string>) => {
        rmSync(wrong, { force: true })
        writeFileSync(wrong, content, { mode })
        return gleaner(["master", "--data", join(folder, "wrong"), "--port", "0", ...words])
      }
      const outcomes = [
        await start(
          JSON.stringify({ credentials: [{ principal: alicesSecret }] }),
          0o600,
          "--credentials",
          wrong,
        ),
        await start(JSON.stringify({ credentials: [] }), 0o604, "--credentials", wrong),
        await start("{}", 0o600, "--acls", wrong, "--no-authentication"),
        await start('{"run_taks": []}', 0o600, "--acls", wrong),
        await start("", 0o600, "--tls-cert", wrong),
      ]
      expect(outcomes.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1])
      const said = outcomes.map(({ stderr }) => stderr)
      expect(said[0]).toContain("credentials[0].secret is missing")
      expect(said[1]).toContain("is open to others (mode 604)")
      expect(said[2]).toContain("would protect nothing while authentication is off")
      expect(said[3]).toContain("run_taks is unexpected")
      expect(said[4]).toContain("is named without its key")
      expect(said.join()).not.toContain(alicesSecret)
    })
  },
)
