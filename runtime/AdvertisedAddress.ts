import { type NetworkInterfaceInfo, networkInterfaces } from "node:os"

// A daemon listens on one address and tells others one: the same, unless it listens on all of them.

const wildcards = ["0.0.0.0", "::"]

/** By interface, as the operating system lists them. */
type Interfaces = NodeJS.Dict<ReadonlyArray<Pick<NetworkInterfaceInfo, "address" | "family" | "internal">>>

/**
 * The address that others are told: what the operator says, else the one listened on; for a wildcard the first IPv4 of
 * this machine that is not internal, else loopback.
 */
export const chooseAdvertisedIp = (
  listened: string,
  said: string | null,
  interfaces: () => Interfaces = networkInterfaces,
): string => {
  if (said !== null) return said
  if (!wildcards.includes(listened)) return listened
  const external = Object.values(interfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)
  return external?.address ?? loopback
}

const loopback = "127.0.0.1"

/** The address under which processes of this host reach a listener; a wildcard is none. */
export const chooseLocalIp = (listened: string): string =>
  wildcards.includes(listened) ? loopback : listened
