/** Status uuids are text in core and base64 of their 16 bytes on the wire (spec/mesos.md §2.1). */
export const uuidToWire = (uuid: string): string =>
  Buffer.from(uuid.replace(/-/g, ""), "hex").toString("base64")

/** Undefined when the text is not base64 of 16 bytes. */
export const wireToUuid = (wire: string): string | undefined => {
  // Node's decoder skips what is no base64.
  if (!/^[A-Za-z0-9+/]{22}==$/.test(wire)) return undefined
  const hex = Buffer.from(wire, "base64").toString("hex")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}
