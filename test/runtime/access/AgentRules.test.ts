import { describe, expect, it } from "vitest"
import type { Action } from "../../../runtime/access/Action.ts"
import { mayCallAgent, mayEnter } from "../../../runtime/access/AgentRules.ts"

const sandbox = "/frameworks/f/executors/t/runs/latest"

const who = (...allowed: ReadonlyArray<Action>) => ({
  principal: "p",
  isAdministrator: false,
  isAllowed: (action: Action) => allowed.indexOf(action) !== -1,
})

describe("files of an agent", () => {
  const reader = who("access_mesos_logs")

  it("are judged by the path that the call is about, not by that of another member", () => {
    const log = { path: "/slave/log", offset: 0 }
    expect(mayCallAgent(reader, { type: "READ_FILE", read_file: log })).toBe(true)
    expect(mayCallAgent(reader, { type: "LIST_FILES", list_files: log })).toBe(true)
    expect(mayCallAgent(reader, { type: "LIST_FILES", list_files: { path: sandbox } })).toBe(false)
    const both = { list_files: { path: sandbox }, read_file: log }
    expect(mayCallAgent(reader, { type: "LIST_FILES", ...both })).toBe(false)
    expect(mayCallAgent(who("access_sandboxes"), { type: "READ_FILE", ...both })).toBe(false)
  })

  it("are the log at its own name only", () => {
    for (const path of ["/slave/log", "/slave/log/"]) {
      expect([path, mayEnter(reader, "/files/read", path)]).toEqual([path, true])
    }
    for (const path of ["/slave/logs", "/slave/log/../x", sandbox, "", null]) {
      expect([path, mayEnter(reader, "/files/read", path)]).toEqual([path, false])
      expect([path, mayEnter(who("access_sandboxes"), "/files/read", path)]).toEqual([path, true])
    }
  })
})
