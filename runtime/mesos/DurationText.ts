import { Either } from "effect"

const msPerUnit: { readonly [unit: string]: number } = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  secs: 1_000,
  mins: 60_000,
  hrs: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
}

/** `1secs`, `500ms`, `1.5hrs`: times as Mesos writes them, in ms; or what is wrong, in its words. */
export const readDuration = (text: string): Either.Either<number, string> => {
  const [number] = /^[\d.]*/.exec(text)!
  const unit = text.slice(number.length)
  if (unit === "") return Either.left(`Invalid duration '${text}'`)
  if (!/^(\d+\.?\d*|\.\d+)$/.test(number)) return Either.left(`Failed to convert '${number}' to number`)
  return Object.hasOwn(msPerUnit, unit)
    ? Either.right(Number(number) * msPerUnit[unit]!)
    : Either.left(`Unknown duration unit '${unit}'`)
}
