import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { makeFilesRoutes } from "../../../runtime/agent/FilesApi.ts"
import { makeSandbox } from "../../../runtime/agent/Sandbox.ts"
import { request } from "../../../runtime/http/Client.ts"
import { routesToHandler } from "../../../runtime/http/Routes.ts"
import { filesLengthMax, filesPath } from "../../../runtime/protocol/FilesProtocol.ts"
import { withListener } from "../http/ListenerFixture.ts"

let root = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gleaner-files-"))
})
afterEach(() => rmSync(root, { recursive: true }))

const owner = { uid: process.getuid!(), gid: process.getgid!() }
const place = { frameworkId: "f", taskId: "t", containerId: "c" }
const stdout = "/frameworks/f/executors/t/runs/latest/stdout"

const ask = (query: Record<string, string>) =>
  withListener(routesToHandler(makeFilesRoutes(root)), ({ url }) =>
    request({ url: `${url}${filesPath}?${new URLSearchParams(query).toString()}` }),
  )

describe("files of sandboxes over HTTP", () => {
  it("come as bytes, from where and as many as was asked for, at most a bound", async () => {
    const bytes = Buffer.from(Array.from({ length: filesLengthMax + 10 }, (_, at) => at % 256))
    writeFileSync(join(Effect.runSync(makeSandbox(root, place, owner)), "stdout"), bytes)
    const part = await ask({ path: stdout, offset: "250", length: "12" })
    expect(part.status).toBe(200)
    expect(part.headers["content-type"]).toBe("application/octet-stream")
    expect(part.bytes.equals(bytes.subarray(250, 262))).toBe(true)
    for (const query of [{ path: stdout }, { path: stdout, length: "999999999" }]) {
      expect((await ask(query)).bytes).toHaveLength(filesLengthMax)
    }
    expect((await ask({ path: stdout, offset: "99999999999" })).bytes).toHaveLength(0)
  })

  it.each<[Record<string, string>, number, string]>([
    [{}, 400, "Expecting 'path=value' in query."],
    [{ path: stdout, offset: "-1" }, 400, "'offset' and 'length' must be whole numbers from 0 on"],
    [{ path: stdout, length: "1e3" }, 400, "'offset' and 'length' must be whole numbers from 0 on"],
    [{ path: stdout }, 404, `no such file: ${stdout}`],
    [{ path: "/etc/passwd" }, 400, "not a plain file of a sandbox: /etc/passwd"],
  ])("%j is %d", async (query, status, body) => {
    expect(await ask(query)).toMatchObject({ status, body })
  })
})
