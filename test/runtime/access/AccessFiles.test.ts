import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readAcls } from "../../../runtime/access/AclsFile.ts"
import { digestOf, readCredentials } from "../../../runtime/access/Credentials.ts"

// The files of principals and of rules: what is read of them, and what is said when they are wrong.

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-access-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const written = (content: unknown, mode = 0o600) => {
  const path = join(folder, "file.json")
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
  chmodSync(path, mode)
  return path
}

const known = "do-not-print-this"
const token = "0123456789abcdef0123456789abcdef"

describe("credentials", () => {
  const read = (content: unknown) => Effect.runSync(readCredentials(written(content)))
  const problem = (content: unknown, mode = 0o600) =>
    Effect.runSync(Effect.flip(readCredentials(written(content, mode)))).message

  it("are Mesos's, with tokens beside them, and are kept as digests only", () => {
    const digest = digestOf("another").toString("hex")
    const credentials = read({
      credentials: [{ principal: "alice", secret: known }],
      tokens: [
        { principal: "ci", token },
        { principal: "cd", sha256: digest.toUpperCase() },
      ],
    })
    expect(credentials.secrets).toEqual(new Map([["alice", digestOf(known)]]))
    expect(credentials.tokens).toEqual(
      new Map([
        [digestOf(token).toString("hex"), "ci"],
        [digest, "cd"],
      ]),
    )
    expect(JSON.stringify([...credentials.secrets, ...credentials.tokens])).not.toContain(known)
  })

  it.each([
    ["{", "is no JSON (line 1)"],
    ["[]", "should be"],
    [{}, "credentials and `tokens` name nobody"],
    [{ credentials: [{ principal: "a" }] }, "credentials[0].secret is missing"],
    [{ credentials: [{ principal: "a", secret: 7 }] }, "credentials[0].secret should be string"],
    [{ credentials: [{ principal: "", secret: known }] }, "credentials[0].principal is empty"],
    [{ credentials: [{ principal: "a:b", secret: known }] }, "credentials[0].principal has a colon"],
    [{ credentials: [{ principal: "a", secret: "" }] }, "credentials[0].secret is empty"],
    [{ credential: [{ principal: "a", secret: known }] }, "credential is unexpected"],
    [
      {
        credentials: [
          { principal: "a", secret: known },
          { principal: "a", secret: known },
        ],
      },
      "credentials[1] names 'a' for the second time",
    ],
    [{ tokens: [{ principal: "a", token: known }] }, "tokens[0] has a `token` of fewer than 32"],
    [{ tokens: [{ principal: "a" }] }, "tokens[0] needs either"],
    [{ tokens: [{ principal: "a", sha256: known }] }, "tokens[0] has a `sha256`"],
    [{ tokens: [{ principal: "a", token: `${known} ${token}` }] }, "tokens[0] has a `token` with blanks"],
    [
      {
        tokens: [
          { principal: "a", token },
          { principal: "b", token },
        ],
      },
      "tokens[1] has the token of another",
    ],
  ])("like %j are refused, with the place and without the secret", (content, detail) => {
    const message = problem(content)
    expect(message).toContain(detail)
    expect(message).toContain(join(folder, "file.json"))
    expect(message).toContain(`{"credentials": [{"principal": "NAME", "secret": "SECRET"}]}`)
    expect(message).not.toContain(known)
    expect(message).not.toContain(token)
  })

  it("are refused while others may read them", () => {
    expect(problem({ credentials: [{ principal: "a", secret: known }] }, 0o640)).toMatch(
      /is open to others \(mode 640\); run `chmod 600/,
    )
  })

  it("that are not there are missed", () => {
    expect(Effect.runSync(Effect.flip(readCredentials(join(folder, "none")))).message).toContain(
      "does not exist",
    )
  })
})

describe("rules", () => {
  const read = (content: unknown) => Effect.runSync(readAcls(written(content, 0o644)))
  const problem = (content: unknown, mode = 0o644) =>
    Effect.runSync(Effect.flip(readAcls(written(content, mode)))).message

  it("are Mesos's: those for what gleaner does not have are read over, and `permissive` is true when not said", () => {
    const acls = read({
      register_frameworks: [{ principals: { values: ["alice"] }, roles: { values: ["web", "web/%"] } }],
      run_tasks: [{ principals: { type: "ANY" }, users: { type: "NONE" } }],
      teardown_frameworks: [
        { principals: { type: "SOME", values: ["a"] }, framework_principals: { type: "ANY", values: [] } },
      ],
      launch_nested_containers: [{ principals: { type: "ANY" }, users: { type: "ANY" } }],
    })
    expect(acls).toEqual({
      isPermissive: true,
      rules: {
        register_frameworks: [{ principals: ["alice"], objects: ["web", "web/%"] }],
        run_tasks: [{ principals: "ANY", objects: "NONE" }],
        teardown_frameworks: [{ principals: ["a"], objects: "ANY" }],
      },
    })
    expect(read({ permissive: false }).isPermissive).toBe(false)
  })

  it.each([
    [{ permissive: "no" }, "permissive should be boolean"],
    [{ run_task: [] }, "run_task is unexpected"],
    [{ run_tasks: {} }, "run_tasks should be"],
    [{ run_tasks: [{ users: { type: "ANY" } }] }, "run_tasks[0].principals is missing"],
    [{ run_tasks: [{ principals: { type: "ANY" } }] }, "run_tasks[0].users is missing"],
    [
      { run_tasks: [{ principals: { type: "ANY" }, roles: { type: "ANY" }, users: { type: "ANY" } }] },
      "run_tasks[0].roles is unexpected",
    ],
    [
      { run_tasks: [{ principals: {}, users: { type: "ANY" } }] },
      "run_tasks[0].principals has neither values nor the type ANY or NONE",
    ],
    [
      { run_tasks: [{ principals: { type: "ANY", values: ["x"] }, users: { type: "ANY" } }] },
      "run_tasks[0].principals has values beside the type ANY",
    ],
    [
      { run_tasks: [{ principals: { type: "SOMEBODY" }, users: { type: "ANY" } }] },
      "run_tasks[0].principals.type",
    ],
    [
      { view_roles: [{ principals: { type: "ANY" }, roles: { values: ["web/%/x"] } }] },
      "view_roles[0].roles has 'web/%/x': % may only end a role, as in web/%",
    ],
    [{ view_roles: [{ principals: { type: "ANY" }, roles: { values: ["/%"] } }] }, "view_roles[0].roles"],
  ])("like %j are refused with the place", (content, detail) => {
    expect(problem(content)).toContain(detail)
  })

  it("are refused while others may change them", () => {
    expect(problem({}, 0o664)).toMatch(/can be changed by others \(mode 664\); run `chmod go-w/)
  })
})
