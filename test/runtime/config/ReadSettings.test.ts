import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { sections } from "../../../runtime/config/Catalogue.ts"
import { readSettings } from "../../../runtime/config/ReadSettings.ts"
import { keyToVariable, keyToWord, type Surroundings } from "../../../runtime/config/Setting.ts"
import { agentSection } from "../../../runtime/config/sections/AgentSection.ts"
import { masterSection } from "../../../runtime/config/sections/MasterSection.ts"
import { monitorSection } from "../../../runtime/config/sections/MonitorSection.ts"
import { recordSection } from "../../../runtime/config/sections/RecordSection.ts"
import { upSection } from "../../../runtime/config/sections/UpSection.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-config-"))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, "gleaner.json")

const around = (environment: Surroundings["environment"] = {}): Surroundings => ({
  environment: { GLEANER_CONFIG: path, ...environment },
  homeFolder: "/home/me",
  userId: 0,
})

/** Settings of an agent as file, environment and flags say them. */
const agent = (file: object, environment: Surroundings["environment"], words: ReadonlyArray<string>) => {
  writeFileSync(path, JSON.stringify(file))
  return readSettings(agentSection, words, around(environment))
}
const settled = (...given: Parameters<typeof agent>) => {
  const reading = agent(...given)
  if (reading._tag !== "Settled") throw new Error(JSON.stringify(reading))
  return reading.settled
}
const problems = (...given: Parameters<typeof agent>) => {
  const reading = agent(...given)
  return reading._tag === "Refused" ? reading.problems : []
}

describe("settings", () => {
  it("are the defaults where nobody says anything", () => {
    const { values, places, ownKeys } = settled({}, {}, [])
    expect(values).toMatchObject({ data: "/var/lib/gleaner", port: 5051, cpus: null, taskUser: "nobody" })
    expect(new Set(Object.values(places))).toEqual(new Set(["default"]))
    expect(ownKeys).toEqual([])
    const mine = readSettings(agentSection, [], { ...around({ GLEANER_CONFIG: "" }), userId: 1_000 })
    expect(mine).toMatchObject({ settled: { values: { data: "/home/me/.local/share/gleaner" } } })
  })

  it("are said by file, environment and flags, the later the stronger, each with its place", () => {
    const file = { common: { host: "10.0.0.1", data: "/a" }, agent: { port: 1, data: "/b", cpus: 1.5 } }
    const environment = { GLEANER_DATA: "/c", GLEANER_AGENT_PORT: "2", GLEANER_AGENT_MEM: "8G" }
    const steps = [
      settled(file, {}, []),
      settled(file, environment, []),
      settled(file, environment, ["--port=3", "--data", "/d", "--unconfined"]),
    ]
    expect(steps.map(({ values: { host, data, port, cpus, mem } }) => [host, data, port, cpus, mem])).toEqual(
      [
        ["10.0.0.1", "/b", 1, 1.5, null],
        ["10.0.0.1", "/c", 2, 1.5, 8_192],
        ["10.0.0.1", "/d", 3, 1.5, 8_192],
      ],
    )
    const { places, ownKeys } = steps[2]!
    expect(places).toMatchObject({
      host: `${path}: common.host`,
      data: "--data",
      port: "--port",
      cpus: `${path}: agent.cpus`,
      mem: "$GLEANER_AGENT_MEM",
      unconfined: "--unconfined",
    })
    expect([...ownKeys].sort()).toEqual(["cpus", "data", "mem", "port", "unconfined"])
  })

  it("may be switched off again, and of one flag the last counts", () => {
    const words = ["--no-unconfined", "--port", "1", "--port", "2"]
    expect(settled({ agent: { unconfined: true } }, {}, words).values).toMatchObject({
      unconfined: false,
      port: 2,
    })
    expect(settled({}, { GLEANER_AGENT_UNCONFINED: "yes" }, []).values.unconfined).toBe(true)
  })

  it("with names keep the last value of each", () => {
    const words = ["--attribute", "rack=a", "--attribute", "zone=z", "--attribute", "rack=b=c"]
    const pairs = [
      { name: "rack", value: "b=c" },
      { name: "zone", value: "z" },
    ]
    expect(settled({ agent: { attribute: { other: "x" } } }, {}, words).values.attribute).toEqual(pairs)
    const environment = { GLEANER_AGENT_ATTRIBUTE: "rack=a,rack=b=c,zone=z" }
    expect(settled({}, environment, []).values.attribute).toEqual(pairs)
    const reading = readSettings(masterSection, ["--weight", "web=2"], around())
    expect(reading).toMatchObject({ settled: { values: { weight: [{ name: "web", value: 2 }] } } })
  })

  it("read units", () => {
    const reading = readSettings(monitorSection, ["--guard-period", "0.05s"], around())
    expect(reading).toMatchObject({ settled: { values: { guardPeriod: 50 } } })
    expect(settled({ agent: { mem: "1.5GiB" } }, {}, []).values.mem).toBe(1_536)
  })

  it("that a command needs are asked for", () => {
    const refused = readSettings(recordSection, [], around())
    expect(refused).toMatchObject({ problems: [expect.stringContaining("--out DIR is missing")] })
    expect(readSettings(recordSection, ["--out", "x"], around())).toMatchObject({ _tag: "Settled" })
  })
})

describe("what is wrong is said with its place, what was given and what is expected", () => {
  it.each<[string, object, Surroundings["environment"], ReadonlyArray<string>]>([
    ["--prot is no option of `gleaner agent`; did you mean --port?", {}, {}, ["--prot", "1"]],
    [`--port: "x" is not a whole number from 0 to 65535`, {}, {}, ["--port", "x"]],
    [`--port: "1.5" is not a whole number`, {}, {}, ["--port=1.5"]],
    [`--cpus: "0" is not a number from 0.001`, {}, {}, ["--cpus", "0"]],
    ["--port needs a value", {}, {}, ["--port", "--host", "::1"]],
    ["--data needs a value", {}, {}, ["--data="]],
    [`"stray" stands where`, {}, {}, ["--unconfined", "stray"]],
    ["--no-unconfined takes no value", {}, {}, ["--no-unconfined=false"]],
    ["--no-port is no option", {}, {}, ["--no-port"]],
    ["--advertise", {}, {}, ["--advertise", "0.0.0.0"]],
    [`--attribute: "rack" is not NAME=VALUE`, {}, {}, ["--attribute", "rack"]],
    [`--cgroup-parent: "a/b" is not one folder name`, {}, {}, ["--cgroup-parent", "a/b"]],
    [`--mem: "1T1" is not a size`, {}, {}, ["--mem", "1T1"]],
    [`--host: "a b" is not`, {}, {}, ["--host", "a b"]],
    [
      "$GLEANER_AGENT_PROT is no setting; did you mean $GLEANER_AGENT_PORT?",
      {},
      { GLEANER_AGENT_PROT: "1" },
      [],
    ],
    ["$GLEANER_DTA is no setting; did you mean $GLEANER_DATA?", {}, { GLEANER_DTA: "1" }, []],
    [`$GLEANER_AGENT_PORT: "-1" is not a whole number`, {}, { GLEANER_AGENT_PORT: "-1" }, []],
    [
      `$GLEANER_AGENT_UNCONFINED: "maybe" is not true or false`,
      {},
      { GLEANER_AGENT_UNCONFINED: "maybe" },
      [],
    ],
    [`${path}: agent.prot is no setting; did you mean "port"?`, { agent: { prot: 1 } }, {}, []],
    [`${path}: agnet is no section; did you mean "agent"?`, { agnet: {} }, {}, []],
    [`${path}: monitor.guard-period: 7 is not a duration`, { monitor: { "guard-period": 7 } }, {}, []],
    [`${path}: agent.port: "many" is not a whole number`, { agent: { port: "many" } }, {}, []],
    [`${path}: agent.unconfined: "yes" is not true or false`, { agent: { unconfined: "yes" } }, {}, []],
    [`${path}: agent.attribute: ["a"] is not an object`, { agent: { attribute: ["a"] } }, {}, []],
    [`${path}: common.port is no setting`, { common: { port: 1 } }, {}, []],
    [`${path}: agent.with-parent is no setting`, { agent: { "with-parent": true } }, {}, []],
    [`${path}: agent must be an object`, { agent: 5 }, {}, []],
    [`${path}: agent.__proto__ is no setting`, JSON.parse('{"agent":{"__proto__":{"port":1}}}'), {}, []],
  ])("%s", (message, file, environment, words) => {
    expect(problems(file, environment, words)).toEqual([expect.stringContaining(message)])
  })

  it("all of it at once", () => {
    const all = problems({ agent: { prot: 1 } }, { GLEANER_AGENT_CPUS: "x" }, ["--bogus"])
    expect(all).toHaveLength(3)
  })

  it("but not what is meant for others", () => {
    const environment = {
      GLEANER_MASTER_PORT: "tcp://1",
      GLEANER_TEST_X: "1",
      GLEANER_SOMEBODY_ELSES_THING: "1",
    }
    expect(problems({ common: { "cgroup-parent": "x" } }, environment, [])).toEqual([])
  })

  it("and files that are none", () => {
    writeFileSync(path, "{")
    const read = (words: ReadonlyArray<string>) => readSettings(agentSection, words, around())
    expect(read([])).toMatchObject({ problems: [expect.stringContaining(`${path} is not JSON`)] })
    const gone = join(folder, "gone.json")
    expect(read(["--config", gone])).toMatchObject({
      problems: [expect.stringContaining(`configuration file ${gone} cannot be read (ENOENT`)],
    })
    writeFileSync(path, "[]")
    expect(read([])).toMatchObject({ problems: [expect.stringContaining("one JSON object")] })
    writeFileSync(path, " ".repeat(1024 * 1024 + 1))
    expect(read([])).toMatchObject({ problems: [expect.stringContaining("at most 1048576")] })
  })
})

describe("the tables of settings", () => {
  const all = sections.flatMap(({ name, settings }) =>
    Object.entries(settings).map(([key, setting]) => ({ name, key, setting })),
  )

  it("read what they print, for every default", () => {
    const wrong = all.filter(({ setting }) => {
      const initial = setting.initial(around())
      if (initial === null || setting.shape === "pairs") return false
      return setting.parse(setting.print(initial)) !== initial
    })
    expect(wrong).toEqual([])
  })

  it("say what no value means", () => {
    const silent = all.filter(
      ({ setting }) =>
        setting.initial(around()) === null && setting.initialText === undefined && !setting.isRequired,
    )
    expect(silent.map(({ name, key }) => `${name}.${key}`)).toEqual([])
  })

  it("use a word for one thing: shared settings are the same everywhere", () => {
    const settingByKey = new Map<string, unknown>()
    for (const { key, setting } of all) {
      if (!setting.isShared) continue
      expect(settingByKey.get(key) ?? setting, key).toBe(setting)
      settingByKey.set(key, setting)
    }
    expect(keyToWord("allowRootTasks")).toBe("allow-root-tasks")
    expect(keyToVariable("allowRootTasks")).toBe("ALLOW_ROOT_TASKS")
  })

  it("have no positive name that another one's negation takes", () => {
    for (const { settings } of sections) {
      const words = Object.keys(settings).map(keyToWord)
      expect(words.filter((word) => word.startsWith("no-"))).toEqual([])
      expect(words.filter((word) => ["config", "help", "json", "print-config"].includes(word))).toEqual([])
    }
    expect(Object.keys(upSection.settings)).toContain("agentPort")
  })
})
