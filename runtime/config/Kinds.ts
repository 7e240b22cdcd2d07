import { isIP } from "node:net"
import { parseDurationMs, printDurationMs } from "../../core/policies/Duration.ts"
import { parseMemMiB } from "./Memory.ts"
import { pairsOf, settingOf } from "./Setting.ts"

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

export const whole = (least: number, most: number) =>
  settingOf({
    form: `a whole number from ${least} to ${most}`,
    placeholder: "NUMBER",
    parse: (given) => (/\./.test(given) ? undefined : numberIn(given, least, most)),
    print: String,
  })

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

/** Milliseconds. */
export const duration = (leastMs: number, mostMs: number) =>
  settingOf({
    form: `a duration from ${printDurationMs(leastMs)} to ${printDurationMs(mostMs)}, like 100ms, 10s or 5m`,
    placeholder: "DURATION",
    parse: (given) => {
      const durationMs = parseDurationMs(given)
      return durationMs !== undefined && durationMs >= leastMs && durationMs <= mostMs
        ? durationMs
        : undefined
    },
    print: printDurationMs,
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
  form: "a URL like http://10.0.0.1:5050",
  placeholder: "URL",
  parse: (given) => (/^http:\/\/[^\s/]+(\/\S*)?$/.test(given) ? given : undefined),
})

export const textPairs = (description: Parameters<typeof pairsOf>[1]) => pairsOf(textKind, description)

export const weightPairs = (description: Parameters<typeof pairsOf>[1]) =>
  pairsOf({ ...decimalKind(0.001, 1_000_000), form: "a number from 0.001 to 1000000" }, description)
