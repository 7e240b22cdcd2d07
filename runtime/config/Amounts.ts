import type { Quota } from "../../core/allocation/Settings.ts"
import { type NumberByName, numberOf } from "../../core/NumberByName.ts"
import { isResourceName, type Quantities, toQuantities } from "../../core/resources/Quantities.ts"
import type { Kind } from "./Setting.ts"

// Amounts by resource name as people write them, in Mesos's units (cpus, MiB): `cpus:4;mem:8192`.

/** More than any cluster has; far below where thousandths of it stop being whole numbers. */
const unitsMax = 1e9

/** Thousandths by name, zeros kept; undefined for what is no list of amounts, each name once. */
const parseEach = (text: string): ReadonlyMap<string, number> | undefined => {
  const milliByName = new Map<string, number>()
  for (const part of text.split(";")) {
    const match = /^\s*([^:\s]+)\s*:\s*(\d{1,15}(?:\.\d{1,3})?)\s*$/.exec(part)
    if (match === null || !isResourceName(match[1]!) || milliByName.has(match[1]!)) return undefined
    const units = Number(match[2])
    if (units > unitsMax) return undefined
    milliByName.set(match[1]!, Math.round(units * 1000))
  }
  return milliByName
}

const parseAmounts = (text: string): Quantities | undefined => {
  const milliByName = parseEach(text)
  if (milliByName === undefined) return undefined
  const amounts = toQuantities(milliByName)
  return Object.keys(amounts).length === milliByName.size ? amounts : undefined
}

const printAmounts = (amounts: Quantities): string =>
  Object.keys(amounts)
    .map((name) => `${name}:${amounts[name]! / 1000}`)
    .join(";")

export const amountsKind: Kind<Quantities> = {
  form: "amounts like cpus:4;mem:8192 (mem and disk in MiB), each above 0",
  placeholder: "AMOUNTS",
  parse: parseAmounts,
  print: printAmounts,
}

/** Several sets of amounts of which one is enough, in Mesos's way of writing them. */
export const alternativesKind: Kind<ReadonlyArray<Quantities>> = {
  form: "amounts like cpus:0.01|mem:32, of which one is enough, or cpus:1;mem:1024, all of which are needed",
  placeholder: "AMOUNTS",
  parse: (text) => {
    const alternatives: Array<Quantities> = []
    for (const part of text.split("|")) {
      const amounts = parseAmounts(part)
      if (amounts === undefined) return undefined
      alternatives.push(amounts)
    }
    return alternatives
  },
  print: (alternatives) => alternatives.map(printAmounts).join("|"),
}

/** Limits of 0 are limits, too. */
const parseLimits = (text: string): NumberByName | undefined => {
  const milliByName = parseEach(text)
  if (milliByName === undefined) return undefined
  const limits: { [name: string]: number } = {}
  for (const [name, milli] of Array.from(milliByName)) limits[name] = milli
  return limits
}

/** Guarantees, then limits behind a slash; one of them may be left out. A guarantee above its limit could not be kept. */
export const quotaKind: Kind<Quota> = {
  form: "guarantees and limits like cpus:4;mem:4096/cpus:8 (mem and disk in MiB), or only cpus:4, or only /cpus:8, no guarantee above its limit",
  placeholder: "QUOTA",
  parse: (text) => {
    const [left = "", right, more] = text.split("/").map((part) => part.trim())
    if (more !== undefined || (left === "" && right === undefined)) return undefined
    const guarantees = left === "" ? {} : parseAmounts(left)
    const limits = right === undefined ? {} : parseLimits(right)
    if (guarantees === undefined || limits === undefined) return undefined
    const isKept = Object.keys(guarantees).every(
      (name) => guarantees[name]! <= numberOf(limits, name, Infinity),
    )
    return isKept ? { guarantees, limits } : undefined
  },
  print: ({ guarantees, limits }) => {
    const hasLimits = Object.keys(limits).length > 0
    return `${printAmounts(guarantees)}${hasLimits ? `/${printAmounts(limits)}` : ""}`
  },
}
