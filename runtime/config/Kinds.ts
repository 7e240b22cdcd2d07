import { isIP } from "node:net"
import { parseDurationMs, printDurationMs } from "../../core/policies/Duration.ts"
import { isResourceName } from "../../core/resources/Quantities.ts"
import { roleProblem } from "../../core/resources/RoleName.ts"
import { alternativesKind, amountsKind, quotaKind } from "./Amounts.ts"
import { parseMemMiB } from "./Memory.ts"
import { type Kind, type PairsDescription, pairsOf, settingOf } from "./Setting.ts"

// Every kind of value that a setting can have.

/** More than any host has; far below where thousandths of it stop being whole numbers. */
const unitsMax = 1e9

const textKind = {
  form: "a text that is not empty",
  placeholder: "TEXT",
  parse: (text: string) => (text === "" ? undefined : text),
  print: (value: string) => value,
}

export const text = settingOf(textKind)

export const file = settingOf({ ...textKind, form: "a path", placeholder: "FILE" })

export const folder = settingOf({ ...textKind, form: "a path", placeholder: "DIR" })

/** A text of the given form. */
export const textLike = (pattern: RegExp, form: string) =>
  settingOf({ ...textKind, form, parse: (given: string) => (pattern.test(given) ? given : undefined) })

const numberIn = (given: string, least: number, most: number): number | undefined => {
  if (!/^-?\d{1,15}(\.\d{1,15})?$/.test(given)) return undefined
  const value = Number(given)
  return value >= least && value <= most ? value : undefined
}

const wholeKind = (least: number, most: number): Kind<number> => ({
  form: `a whole number from ${least} to ${most}`,
  placeholder: "NUMBER",
  parse: (given) => (/\./.test(given) ? undefined : numberIn(given, least, most)),
  print: String,
})

export const whole = (least: number, most: number) => settingOf(wholeKind(least, most))

const decimalKind = (least: number, most: number) => ({
  form: `a number from ${least} to ${most}`,
  placeholder: "NUMBER",
  parse: (given: string) => numberIn(given, least, most),
  print: String,
})

/** 0 lets the system choose. */
export const port = whole(0, 65_535)

/** Cpus; the core counts them in thousandths. */
export const cpus = settingOf(decimalKind(0.001, unitsMax))

/** MiB. */
export const size = settingOf({
  form: "a size like 256M, 8G or 1.5GiB (a plain number means MiB)",
  placeholder: "SIZE",
  parse: (given) => {
    const memMiB = parseMemMiB(given)
    return memMiB !== undefined && memMiB <= unitsMax ? memMiB : undefined
  },
  // Exactly, unlike what is shown to people elsewhere.
  print: (memMiB) => (memMiB % 1024 === 0 ? `${memMiB / 1024}G` : `${memMiB}M`),
})

const durationKind = (leastMs: number, mostMs: number): Kind<number> => ({
  form: `a duration from ${printDurationMs(leastMs)} to ${printDurationMs(mostMs)}, like 100ms, 10s or 5m`,
  placeholder: "DURATION",
  parse: (given) => {
    const durationMs = parseDurationMs(given)
    return durationMs !== undefined && durationMs >= leastMs && durationMs <= mostMs ? durationMs : undefined
  },
  print: printDurationMs,
})

/** Milliseconds. */
export const duration = (leastMs: number, mostMs: number) => settingOf(durationKind(leastMs, mostMs))

/** What switches something off that otherwise has a value. */
export const off = "off" as const

const orOff = <A>(kind: Kind<A>): Kind<A | typeof off> => ({
  form: `${off}, or ${kind.form}`,
  placeholder: kind.placeholder,
  parse: (given) => (given === off ? off : kind.parse(given)),
  print: (value) => (value === off ? off : kind.print(value as A)),
})

export const durationOrOff = (leastMs: number, mostMs: number) =>
  settingOf(orOff(durationKind(leastMs, mostMs)))

/** So many of something in so much time. */
export interface Rate {
  readonly count: number
  readonly perMs: number
}

const rateCountMax = 1_000_000
const ratePerKind = durationKind(1_000, 24 * 3_600_000)

const rateKind: Kind<Rate> = {
  form: `a number from 1 to ${rateCountMax}, a slash and a duration from 1s to 1d, like 100/1m`,
  placeholder: "NUMBER/DURATION",
  parse: (given) => {
    const [number = "", duration = "", ...others] = given.split("/")
    const count = wholeKind(1, rateCountMax).parse(number)
    const perMs = ratePerKind.parse(duration)
    return count === undefined || perMs === undefined || others.length > 0 ? undefined : { count, perMs }
  },
  print: ({ count, perMs }) => `${count}/${printDurationMs(perMs)}`,
}

export const rateOrOff = settingOf(orOff(rateKind))

export const wholeOrOff = (least: number, most: number) => settingOf(orOff(wholeKind(least, most)))

export const amountsOrOff = settingOf(orOff(amountsKind))

export const alternativesOrOff = settingOf(orOff(alternativesKind))

/** One of a few words. */
export const choice = <Word extends string>(...words: ReadonlyArray<Word>) =>
  settingOf<Word>({
    form: words.join(" or "),
    placeholder: words.join("|"),
    parse: (given) => words.find((word) => word === given),
    print: String,
  })

export const resourceNames = settingOf<ReadonlyArray<string>>({
  form: "names of resources like gpus or gpus,disk",
  placeholder: "NAMES",
  parse: (given) => {
    const names = given.split(",").map((name) => name.trim())
    return names.every(isResourceName) ? names : undefined
  },
  print: (names) => names.join(","),
})

const isHostName = (given: string) =>
  given.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(given) && !/^[\d.]+$/.test(given)

/** Where to listen: an address of this host, or the name of one. */
export const address = settingOf({
  ...textKind,
  form: "an IP address or a host name",
  placeholder: "ADDRESS",
  parse: (given) => (isIP(given) !== 0 || isHostName(given) ? given : undefined),
})

/** Where others connect to. */
export const reachableIp = settingOf({
  ...textKind,
  form: "one IP address that others can connect to",
  placeholder: "IP",
  parse: (given) => (isIP(given) !== 0 && given !== "0.0.0.0" && given !== "::" ? given : undefined),
})

export const url = settingOf({
  ...textKind,
  form: "a URL like http://10.0.0.1:5050 or https://10.0.0.1:5050",
  placeholder: "URL",
  parse: (given) => (/^https?:\/\/[^\s/]+(\/\S*)?$/.test(given) ? given : undefined),
})

export const textPairs = (description: PairsDescription) => pairsOf(textKind, description)

const rolePath = { form: "a role", isName: (given: string) => given === "*" || roleProblem(given) === null }
const topLevelRole = {
  form: "a top-level role",
  isName: (given: string) => rolePath.isName(given) && given.indexOf("/") === -1,
}

export const weightPairs = (description: PairsDescription) =>
  pairsOf(
    { ...decimalKind(0.001, 1_000_000), form: "a number from 0.001 to 1000000" },
    { ...description, name: rolePath },
  )

export const priorityPairs = (description: PairsDescription) =>
  pairsOf(wholeKind(-1_000_000, 1_000_000), { ...description, name: rolePath })

export const quotaPairs = (description: PairsDescription) =>
  pairsOf(quotaKind, { ...description, name: topLevelRole })
