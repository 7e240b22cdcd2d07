import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { agentCallTypes, readAgentCall } from "../../../runtime/mesos/AgentCall.ts"

// What is wrong with a call of an agent's operator, in Mesos's words and order (src/slave/validation.cpp; transcripts agent/*).

const problemOf = (call: object): string | undefined =>
  Either.match(readAgentCall(call), { onLeft: ({ message }) => message, onRight: () => undefined })

const invalid = (text: string) => `Failed to validate agent::Call: ${text}`
const expecting = (field: string) => invalid(`Expecting '${field}' to be present`)
const unread = (text: string) => `Failed to convert JSON into Call protobuf: ${text}`

describe("a call of an agent's operator", () => {
  it.each<[object, string | undefined]>([
    [{}, expecting("type")],
    // A master's call is none of an agent.
    [{ type: "GET_AGENTS" }, expecting("type")],
    [{ type: "toString" }, expecting("type")],
    [{ type: "GET_AGENT" }, undefined],
    [{ type: "UNKNOWN" }, undefined],
    [{ type: "GET_CONTAINERS" }, undefined],
    [{ type: "GET_METRICS" }, expecting("get_metrics")],
    [{ type: "READ_FILE", read_file: { path: "/x", offset: "7" } }, undefined],
    [{ type: "READ_FILE", read_file: { path: "/x" } }, unread("Missing required fields: read_file.offset")],
    [{ type: "LAUNCH_CONTAINER" }, expecting("launch_container")],
    [
      { type: "LAUNCH_CONTAINER", launch_container: {} },
      unread("Missing required fields: launch_container.container_id"),
    ],
    [
      { type: "LAUNCH_CONTAINER", launch_container: { container_id: { value: "a b/c" } } },
      invalid("'launch_container.container_id' is invalid: 'a b/c' contains invalid characters"),
    ],
    [
      { type: "WAIT_CONTAINER", wait_container: { container_id: { value: "a.b" } } },
      invalid("'wait_container.container_id' is invalid: 'a.b' contains invalid characters"),
    ],
    [
      { type: "KILL_CONTAINER", kill_container: { container_id: { value: "" } } },
      invalid("'kill_container.container_id' is invalid: ID must not be empty"),
    ],
    [
      {
        type: "WAIT_NESTED_CONTAINER",
        wait_nested_container: { container_id: { value: "a", parent: { value: ".." } } },
      },
      invalid(
        "'wait_nested_container.container_id' is invalid: 'ContainerID.parent' is invalid: '..' is disallowed",
      ),
    ],
    [
      { type: "KILL_NESTED_CONTAINER", kill_nested_container: { container_id: { value: "a" } } },
      expecting("kill_nested_container.container_id.parent"),
    ],
    [
      {
        type: "LAUNCH_CONTAINER",
        launch_container: {
          container_id: { value: "a", parent: { value: "b" } },
          resources: [{ name: "cpus", type: "SCALAR", scalar: { value: 1 } }],
        },
      },
      invalid("Resources may not be specified when using 'launch_container' to launch nested containers"),
    ],
    [
      { type: "ATTACH_CONTAINER_INPUT", attach_container_input: {} },
      expecting("attach_container_input.type"),
    ],
    [
      { type: "ATTACH_CONTAINER_INPUT", attach_container_input: { type: "CONTAINER_ID" } },
      expecting("attach_container_input.container_id"),
    ],
  ])("%j: %s", (call, problem) => {
    expect(problemOf(call)).toBe(problem)
  })

  it("may name containers within containers as deep as anybody nests, and deeper ones end nothing", () => {
    let id: object = { value: "x" }
    for (let depth = 0; depth < 90; depth++) id = { value: "x", parent: id }
    expect(() =>
      readAgentCall({ type: "WAIT_CONTAINER", wait_container: { container_id: id } }),
    ).not.toThrow()
  })

  it("has a type that is none of an object's own members", () => {
    expect(agentCallTypes).toHaveLength(new Set(agentCallTypes).size)
    expect(problemOf({ type: "constructor" })).toBe(expecting("type"))
  })
})
