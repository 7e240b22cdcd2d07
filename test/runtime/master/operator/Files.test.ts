import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { ownLogAt } from "../../../../runtime/OwnLog.ts"
import { withMaster } from "../../../support/BusyMaster.ts"
import type { ServedMaster } from "../../../support/MasterFixture.ts"

const headers = { "Content-Type": "application/json" }
const call = ({ ask }: ServedMaster, type: string, content: object) =>
  ask("/api/v1", { method: "POST", headers, body: JSON.stringify({ type, [type.toLowerCase()]: content }) })

/** A master whose log has this text. */
const withLog = (text: string, use: (served: ServedMaster, path: string) => Effect.Effect<void, unknown>) => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-files-"))
  const path = join(folder, "master.log")
  writeFileSync(path, text)
  return withMaster((served) => use(served, path), { log: ownLogAt(path) }).finally(() =>
    rmSync(folder, { recursive: true }),
  )
}

const everyWay = (path: string): ReadonlyArray<string> =>
  ["browse", "read", "download"].map((way) => `/files/${way}?path=${encodeURIComponent(path)}&offset=0`)

describe("the master's files", () => {
  it("are its log, read in parts by either way", () =>
    withLog("line one\nline two\n", (served, path) =>
      Effect.gen(function* () {
        const json = (at: string) => Effect.map(served.ask(at), ({ body }) => JSON.parse(body) as unknown)
        const data = (text: string) => Buffer.from(text).toString("base64")
        for (const [wish, text] of [
          [{ path: "/master/log", offset: 0 }, "line one\nline two\n"],
          [{ path: "/master/log/", offset: 5, length: 3 }, "one"],
          [{ path: "/master/log", offset: 99 }, ""],
        ] as const) {
          const reply = yield* call(served, "READ_FILE", wish)
          expect(JSON.parse(reply.body)).toEqual({
            type: "READ_FILE",
            read_file: { size: 18, data: data(text) },
          })
        }
        expect(yield* json("/files/read?path=/master/log&offset=9&length=8")).toEqual({
          ...{ data: "line two", offset: 9 },
        })
        // Pages ask so for the end first.
        for (const offset of ["", "&offset=-1"])
          expect(yield* json(`/files/read?path=/master/log${offset}`)).toEqual({ data: "", offset: 18 })
        expect(yield* json("/files/debug")).toEqual({ "/master/log": path })
        expect(yield* json("/files/browse?path=/master/log")).toEqual([])
        expect(JSON.parse((yield* call(served, "LIST_FILES", { path: "/master/log" })).body)).toEqual({
          ...{ type: "LIST_FILES", list_files: {} },
        })
        const whole = yield* served.ask("/master/files/download?path=/master/log")
        expect(whole.body).toBe("line one\nline two\n")
        expect(whole.headers["content-type"]).toBe("application/octet-stream")
        expect(whole.headers["content-disposition"]).toBe("attachment; filename=log")
      }),
    ))

  it("are no others, whatever a path says", () =>
    withLog("secret", (served, path) =>
      Effect.gen(function* () {
        for (const wrong of [
          "/nope",
          path,
          "/master/log/..",
          "/master/log/../../etc/passwd",
          "/",
          "master/log",
        ]) {
          for (const way of everyWay(wrong)) {
            const reply = yield* served.ask(way)
            expect([way, reply.status, reply.body]).toEqual([way, 404, ""])
          }
          const reply = yield* call(served, "READ_FILE", { path: wrong, offset: 0 })
          expect([reply.status, reply.body]).toEqual([404, ""])
        }
        const refused: Record<string, string> = {
          "/files/read": "Expecting 'path=value' in query.\n",
          "/files/read?path=/master/log&offset=x":
            "Failed to parse offset: Failed to convert 'x' to number.\n",
          "/files/read?path=/master/log&length=-2": "Negative length provided: -2.\n",
          "/files/browse?path=": "Expecting 'path=value' in query.\n",
        }
        for (const [at, sentence] of Object.entries(refused)) {
          const reply = yield* served.ask(at)
          expect([at, reply.status, reply.body]).toEqual([at, 400, sentence])
        }
        expect((yield* call(served, "READ_FILE", { path: "/master/log", offset: -1 })).status).toBe(400)
        const unread = yield* served.ask("/files/read?path=/master/log", {
          headers: { Authorization: "none" },
        })
        expect(unread.status).toBe(401)
      }),
    ))

  it("come in bounded parts: 64 KiB of a read, and no download of more than memory should hold", () =>
    withLog("", (served, path) =>
      Effect.gen(function* () {
        truncateSync(path, 17 * 1024 * 1024)
        const reply = yield* call(served, "READ_FILE", { path: "/master/log", offset: 0, length: 1e9 })
        const { read_file } = JSON.parse(reply.body)
        expect([read_file.size, Buffer.from(read_file.data, "base64").length]).toEqual([17_825_792, 65_536])
        const download = yield* served.ask("/files/download?path=/master/log")
        expect(download.status).toBe(400)
        expect(download.body).toContain("/files/read?path=/master/log")
      }),
    ))

  it("are none where the log goes to no file (transcripts operator/LIST_FILES, legacy/idle_files_browse_path_master_log)", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        for (const way of everyWay("/master/log")) {
          const reply = yield* served.ask(way)
          expect([reply.status, reply.body, reply.headers["content-type"]]).toEqual([
            ...[404, "", "text/plain; charset=utf-8"],
          ])
        }
        expect((yield* call(served, "LIST_FILES", { path: "/master/log" })).status).toBe(404)
        expect((yield* served.ask("/files/debug")).body).toBe("{}")
      }),
    ))
})
