import type { Resources } from "../../core/resources/Resources.ts"
import type { Amounts } from "./Workload.ts"
import { wrongResult } from "./WrongResult.ts"

// The checks' own arithmetic: simple, and none of it the allocator's.

/** Reads an offer field by field; everything a workload holds is unreserved and plain. */
export const readAmounts = (resources: Resources, place: string): Amounts => {
  const read: { cpus: number; mem: number; disk: number; ports: ReadonlyArray<number> } = {
    cpus: 0,
    mem: 0,
    disk: 0,
    ports: [],
  }
  if (!Array.isArray(resources)) wrongResult(`${place}: its resources are no list`)
  const names = new Set<string>()
  for (const { kind, value } of resources) {
    const { name, type, reservations, disk, revocable, shared, providerId } = kind
    if (reservations.length > 0 || disk !== null || revocable || shared || providerId !== null)
      wrongResult(`${place}: ${name} became something else than plain`)
    if (names.has(name)) wrongResult(`${place}: ${name} stands in it twice`)
    names.add(name)
    if (name === "ports" && type === "ranges") read.ports = checkedRanges(value, place)
    else if ((name === "cpus" || name === "mem" || name === "disk") && type === "scalar")
      read[name] = checkedAmount(value, `${place}: ${name}`)
    else wrongResult(`${place}: it has ${type} ${name}, which no host has`)
  }
  return read
}

const checkedAmount = (value: unknown, place: string): number =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0
    ? value
    : wrongResult(`${place} is ${String(value)}, no whole number above 0`)

const checkedRanges = (value: unknown, place: string): ReadonlyArray<number> => {
  if (!Array.isArray(value) || value.length === 0 || value.length % 2 !== 0)
    return wrongResult(`${place}: its ports are no ranges`)
  for (let at = 0; at < value.length; at += 2) {
    const isGap = at === 0 || value[at] > value[at - 1] + 1
    if (!isGap || value[at + 1] < value[at]) wrongResult(`${place}: its ports are not in normal form`)
  }
  return value
}

export const sameAmounts = (left: Amounts, right: Amounts): boolean =>
  left.cpus === right.cpus &&
  left.mem === right.mem &&
  left.disk === right.disk &&
  left.ports.length === right.ports.length &&
  left.ports.every((port, at) => port === right.ports[at])

export const subtractAmounts = (total: Amounts, used: Amounts | null): Amounts =>
  used === null
    ? total
    : {
        cpus: total.cpus - used.cpus,
        mem: total.mem - used.mem,
        disk: total.disk - used.disk,
        ports: used.ports.reduce<ReadonlyArray<number>>(
          (left, port, at) => (at % 2 === 0 ? withoutRange(left, port, used.ports[at + 1]!) : left),
          total.ports,
        ),
      }

const withoutRange = (ranges: ReadonlyArray<number>, begin: number, end: number): ReadonlyArray<number> => {
  const left: Array<number> = []
  for (let at = 0; at < ranges.length; at += 2) {
    const [first, last] = [ranges[at]!, ranges[at + 1]!]
    if (first < begin) left.push(first, Math.min(last, begin - 1))
    if (last > end) left.push(Math.max(first, end + 1), last)
  }
  return left
}

export const amountsToText = ({ cpus, mem, disk, ports }: Amounts): string => {
  const ranges = ports.flatMap((port, at) => (at % 2 === 0 ? [`${port}-${ports[at + 1]}`] : []))
  return `cpus:${cpus / 1_000}; mem:${mem / 1_000}; disk:${disk / 1_000}; ports:[${ranges.join(", ")}]`
}
