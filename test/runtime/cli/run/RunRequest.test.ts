import { describe, expect, it } from "vitest"
import {
  fitsOffer,
  type RunRequest,
  toTaskInfo,
  type WireOffer,
} from "../../../../runtime/cli/run/RunRequest.ts"

const request = (change: Partial<RunRequest> = {}): RunRequest => ({
  name: "n",
  cpus: 0.3,
  memMiB: 64,
  user: undefined,
  role: "*",
  environment: [],
  command: ["echo", "hi"],
  ...change,
})
type WireResource = WireOffer["resources"][number]
const of = (name: string, value: number, more: object = {}): WireResource => ({
  name,
  scalar: { value },
  ...more,
})
const offer = (...resources: ReadonlyArray<WireResource>): WireOffer => ({
  id: { value: "o" },
  agent_id: { value: "a" },
  hostname: "h",
  resources,
})

describe("an offer fits", () => {
  it.each<[string, boolean, ReadonlyArray<WireResource>]>([
    ["exactly", true, [of("cpus", 0.3), of("mem", 64)]],
    ["with more", true, [of("cpus", 8), of("mem", 8_192), of("ports", 0)]],
    // 0.1 + 0.1 + 0.1 is 0.30000000000000004; 0.7 - 0.4 is 0.29999999999999993.
    ["in parts that add up", true, [of("cpus", 0.1), of("cpus", 0.2), of("mem", 32), of("mem", 32)]],
    ["in spite of how fractions are stored", true, [of("cpus", 0.7 - 0.4), of("mem", 64)]],
    ["in the old form", true, [of("cpus", 1, { role: "*" }), of("mem", 64, { role: "*" })]],
    ["not with too little", false, [of("cpus", 0.299), of("mem", 64)]],
    ["not without memory", false, [of("cpus", 8)]],
    ["not with what is reserved", false, [of("cpus", 1, { reservations: [{}] }), of("mem", 64)]],
    ["not with what is reserved, in the old form", false, [of("cpus", 1, { role: "web" }), of("mem", 64)]],
    ["not without numbers", false, [{ name: "cpus" }, of("mem", 64)]],
  ])("%s", (_, fits, resources) => {
    expect(fitsOffer(request(), offer(...resources))).toBe(fits)
  })
})

describe("a task as the API wants it", () => {
  it("is executed word by word, without a shell", () => {
    expect(toTaskInfo(request(), "t", "a")).toEqual({
      name: "n",
      task_id: { value: "t" },
      agent_id: { value: "a" },
      resources: [
        { name: "cpus", type: "SCALAR", scalar: { value: 0.3 } },
        { name: "mem", type: "SCALAR", scalar: { value: 64 } },
      ],
      command: { shell: false, value: "echo", arguments: ["echo", "hi"] },
    })
  })

  it("has user and environment when asked for", () => {
    const { command } = toTaskInfo(request({ user: "u", environment: [{ name: "A", value: "1" }] }), "t", "a")
    expect(command).toMatchObject({ user: "u", environment: { variables: [{ name: "A", value: "1" }] } })
  })
})
