/** An address of IPv4 that came over a socket of IPv6. */
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** The first 64 bits, which are what somebody is given (RFC 6177); each of them has the rest to choose from. */
const first64 = (address: string): string => {
  const [head = "", tail] = address.replace(/%.*$/, "").split("::")
  const before = head === "" ? [] : head.split(":")
  const after = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros =
    tail === undefined ? [] : new Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0")
  return `${[...before, ...zeros, ...after].slice(0, 4).join(":")}::/64`
}

/** Whom an address is counted with. Loopback and addresses of IPv4 stand for themselves. */
export const networkOf = (address: string): string => {
  if (address.indexOf(":") === -1 || address === "::1") return address
  return mapped.exec(address)?.[1] ?? first64(address.toLowerCase())
}
