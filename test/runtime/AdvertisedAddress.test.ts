import { isIPv4 } from "node:net"
import { describe, expect, it } from "vitest"
import { chooseAdvertisedIp, chooseLocalIp } from "../../runtime/AdvertisedAddress.ts"

const address = (address: string, family: "IPv4" | "IPv6", internal = false) => ({
  address,
  family,
  internal,
})
const machine = () => ({
  lo: [address("127.0.0.1", "IPv4", true), address("::1", "IPv6", true)],
  eth0: [address("fe80::1", "IPv6"), address("10.0.0.7", "IPv4")],
  eth1: [address("192.168.0.7", "IPv4")],
})

describe("the address that others are told", () => {
  it.each<[string, string, string | null, string]>([
    ["is the one listened on", "127.0.0.1", null, "127.0.0.1"],
    ["is the one listened on, IPv6 too", "fd00::7", null, "fd00::7"],
    ["is the first external IPv4 when all are listened on", "0.0.0.0", null, "10.0.0.7"],
    ["is the same when all are, IPv6 included", "::", null, "10.0.0.7"],
    ["is what the operator says", "10.0.0.7", "203.0.113.5", "203.0.113.5"],
    ["is what the operator says, all being listened on", "0.0.0.0", "203.0.113.5", "203.0.113.5"],
  ])("%s", (_, listened, said, told) => {
    expect(chooseAdvertisedIp(listened, said, machine)).toBe(told)
  })

  it("is loopback on a machine without a network, and never a wildcard on this one", () => {
    expect(chooseAdvertisedIp("0.0.0.0", null, () => ({ lo: machine().lo }))).toBe("127.0.0.1")
    const here = chooseAdvertisedIp("0.0.0.0", null)
    expect(here).not.toBe("0.0.0.0")
    expect(isIPv4(here)).toBe(true)
  })
})

describe("the address for processes of this host", () => {
  it.each([
    ["0.0.0.0", "127.0.0.1"],
    ["::", "127.0.0.1"],
    ["10.0.0.7", "10.0.0.7"],
    ["::1", "::1"],
  ])("of a listener on %s is %s", (listened, local) => {
    expect(chooseLocalIp(listened)).toBe(local)
  })
})
