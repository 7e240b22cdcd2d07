/** What lives behind an object: everything that can be reached from it, each thing once. */
export interface LiveCount {
  readonly objects: number
  /** Properties, and entries of arrays, maps and sets. */
  readonly entries: number
  /** Of typed arrays. */
  readonly bytes: number
}

/** Counts whatever can be reached, whoever owns it: so a structure that somebody adds later is counted too. */
export const liveCountOf = (root: object): LiveCount => {
  const seen = new Set<object>()
  const waiting: Array<object> = [root]
  let entries = 0
  let bytes = 0
  const visit = (value: unknown) => {
    entries++
    if (typeof value === "object" && value !== null && !seen.has(value)) {
      seen.add(value)
      waiting.push(value)
    }
  }
  seen.add(root)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (ArrayBuffer.isView(next)) {
      bytes += next.byteLength
      continue
    }
    if (next instanceof Map) {
      for (const [key, value] of next) {
        visit(key)
        visit(value)
      }
    }
    if (next instanceof Set) for (const item of next) visit(item)
    for (const value of Object.values(next)) visit(value)
  }
  return { objects: seen.size, entries, bytes }
}
