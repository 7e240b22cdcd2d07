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
    agent_ping_timeout: "75secs",
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
