const mibPerUnit: Readonly<Record<string, number>> = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 }

/**
 * Reads a size such as `256M`, `1.5G`, `2GiB` or `64` into MiB; all units are binary, a plain number means MiB as in
 * Mesos. Undefined when it is no positive size.
 */
export const parseMemMiB = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?)?$/i.exec(text.trim())
  if (match === null) return undefined
  const unit = mibPerUnit[(match[2] ?? "m").toLowerCase()]
  // Rounded to a thousandth, the finest that Mesos knows.
  const mib = Math.round(Number(match[1]) * (unit ?? 1) * 1000) / 1000
  return mib > 0 && Number.isFinite(mib) ? mib : undefined
}

/** MiB for people: `256M`, `1.5G`. */
export const memToText = (mib: number): string => {
  const shown = round(mib)
  return shown < 1024 ? `${shown}M` : `${round(mib / 1024)}G`
}

const round = (value: number): number => Math.round(value * 10) / 10
