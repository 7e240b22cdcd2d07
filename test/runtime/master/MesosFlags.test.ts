import { expect, it } from "vitest"
import { defaultMasterSettings, mesosMasterSettings } from "../../../core/master/State.ts"
import { type FlagFacts, withMesosFlags } from "../../../runtime/master/MesosFlags.ts"

const facts: FlagFacts = {
  settings: mesosMasterSettings,
  hostname: "h1",
  host: "0.0.0.0",
  port: 5050,
  advertisedIp: null,
  workFolder: "/var/lib/gleaner",
  isAuthenticated: true,
  hasAcls: false,
}

const valuesOf = (flags: ReturnType<typeof withMesosFlags>) =>
  Object.fromEntries(flags.map(({ name, value }) => [name, value]))

it("settings stand under Mesos's names in Mesos's forms, in the profile mesos with its values", () => {
  const flags = withMesosFlags([], facts)
  expect(valuesOf(flags)).toMatchObject({
    // As recorded in operator/idle_GET_FLAGS.
    agent_ping_timeout: "15secs",
    help: "false",
    log_auto_initialize: "true",
    logbufsecs: "0",
    max_agent_ping_timeouts: "5",
    max_completed_frameworks: "50",
    max_completed_tasks_per_framework: "1000",
    max_unreachable_tasks_per_framework: "1000",
    memory_profiling: "false",
    offer_constraints_re2_max_mem: "4KB",
    offer_constraints_re2_max_program_size: "100",
    recovery_agent_removal_limit: "100%",
    registry_max_agent_age: "2weeks",
    registry_max_agent_count: "102400",
    require_agent_domain: "false",
    root_submissions: "true",
    version: "false",
    allocation_interval: "1secs",
    allocator: "hierarchical",
    filter_gpu_resources: "true",
    framework_sorter: "drf",
    http_authenticators: "basic",
    logging_level: "INFO",
    max_operator_event_stream_subscribers: "1000",
    min_allocatable_resources: "cpus:0.01|mem:32",
    port: "5050",
    role_sorter: "drf",
    // gleaner's.
    authenticate_http_readwrite: "true",
    work_dir: "/var/lib/gleaner",
  })
  const names = flags.map(({ name }) => name)
  expect(names).toEqual([...names].sort())
})

it("what is switched off is not told", () => {
  const off = valuesOf(
    withMesosFlags([], { ...facts, settings: defaultMasterSettings, isAuthenticated: false }),
  )
  expect(off).toMatchObject({ offer_timeout: "30secs", authenticate_http_frameworks: "false" })
  for (const name of ["allocation_interval", "http_authenticators", "authorizers", "advertise_ip"])
    expect(off[name], name).toBeUndefined()
  expect(valuesOf(withMesosFlags([], facts)).offer_timeout).toBeUndefined()
})

it("gleaner's own settings are there, too; of two of one name Mesos's form counts", () => {
  const own = [
    { name: "allocation_interval", value: "1s" },
    { name: "weight", value: "web=2" },
  ]
  expect(valuesOf(withMesosFlags(own, facts))).toMatchObject({
    allocation_interval: "1secs",
    weight: "web=2",
  })
})

it.each([
  [2_000, "1secs", "2"],
  [7_000, "7secs", "1"],
  [7_200_000 * 5, "2hrs", "5"],
  [1_500, "1500ms", "1"],
])("a silence of %i ms is told as pings", (agentTimeoutMs, each, count) => {
  const settings = { ...mesosMasterSettings, agentTimeoutMs }
  expect(valuesOf(withMesosFlags([], { ...facts, settings }))).toMatchObject({
    agent_ping_timeout: each,
    max_agent_ping_timeouts: count,
  })
})
