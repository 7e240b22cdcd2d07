import { badRequest, type HttpRefusal, type HttpRequest, refuse } from "./HttpMessage.ts"

// In what form calls come and answers are wanted. Mesos speaks JSON and protobuf; this master JSON, with room for the other.

export const jsonType = "application/json"
export const protobufType = "application/x-protobuf"

/**
 * Whether the client takes an answer of this type, as Mesos reads `Accept`: the first range that fits decides, looked for from the
 * narrowest to all types, unless its q is 0. A missing header allows everything.
 */
export const accepts = ({ headers: { accept } }: HttpRequest, type: string): boolean => {
  if (accept === undefined) return true
  const ranges = accept
    .replace(/[ \t\n]/g, "")
    .split(",")
    .map((range) => range.split(";"))
  for (const candidate of [type, `${type.slice(0, type.indexOf("/"))}/*`, "*/*"]) {
    const range = ranges.find(([name]) => name!.toLowerCase() === candidate)
    if (range === undefined) continue
    const q = range.find((parameter) => parameter.startsWith("q="))
    return q === undefined || Number(q.slice(2)) > 0
  }
  return false
}

export const isProtobuf = ({ headers }: HttpRequest): boolean => headers["content-type"] === protobufType

/** A call in protobuf: one that could be read by who reads protobuf, or none at all. */
export const refuseProtobuf = (body: Buffer): HttpRefusal =>
  isWireFormat(body)
    ? refuse(415, `Expecting 'Content-Type' of ${jsonType}: ${protobufType} is not read by this master yet`)
    : badRequest("Failed to parse body into Call protobuf")

/** Whether bytes are fields of protobuf one after the other, whatever they mean. Groups are of long ago, and in no call. */
const isWireFormat = (body: Buffer): boolean => {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = body[at++]
      if (byte === undefined) return Number.NaN
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return Number.NaN
  }
  while (at < body.length) {
    const tag = varint()
    if (!(tag >= 8)) return false
    switch (tag % 8) {
      case 0:
        if (Number.isNaN(varint())) return false
        break
      case 1:
        at += 8
        break
      case 2: {
        const length = varint()
        if (Number.isNaN(length)) return false
        at += length
        break
      }
      case 5:
        at += 4
        break
      default:
        return false
    }
  }
  return at === body.length
}
