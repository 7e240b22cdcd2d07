// The text of a recording (design §3): what monitors and `gleaner trace record` append, and what `traces/` and a
// restarted monitor read. One JSON object, the header, then one JSON array per line; `traces/README.md` has the rules.
// Amounts are whole thousandths of a cpu and of MiB; null = could not be measured.

export const recordingFormat = "gleaner-recording"

/** Raised with every change that an older reader would misread. */
export const recordingVersion = 1

/** How the first line begins; it is how readers tell a recording from other files. */
export const recordingBegin = `{"format":"${recordingFormat}"`

/** Names of a row's elements after its kind, told in every header. `atMs` counts from the header's `startMs`. */
export const recordingColumns = {
  /** A sample: the mean and the highest of `samples` measurements over the interval that ends at `atMs`. */
  s: [
    "atMs",
    "samples",
    "primaryCpuMilliMean",
    "primaryCpuMilliMax",
    "primaryMemMilliMean",
    "primaryMemMilliMax",
    "harvestCpuMilliMean",
    "harvestCpuMilliMax",
    "harvestMemMilliMean",
    "harvestMemMilliMax",
  ],
  /** An estimate: from now on so much is reserved for the primary. */
  e: ["atMs", "reserveCpuMilli", "reserveMemMilli"],
  /** Guard decisions of one interval: the ceiling at its end (null = none), the lowest in it, the moves. */
  g: ["atMs", "ceilingCpuMilli", "ceilingMemMilli", "lowestCpuMilli", "lowered", "raised"],
  /** The host has another capacity from now on. */
  k: ["atMs", "capacityCpuMilli", "capacityMemMilli"],
  /** The wall clock was set, or the host slept: at `atMs` it is `wallMs`. */
  c: ["atMs", "wallMs"],
} as const

export type RecordingRowKind = keyof typeof recordingColumns

export interface RecordingHeader {
  readonly host: string
  /** Names the boot of the host; "" = unknown. */
  readonly bootId: string
  /** Wall time that `atMs` counts from, ms since 1970. */
  readonly startMs: number
  /** Between samples. */
  readonly intervalMs: number
  readonly capacityCpuMilli: number
  readonly capacityMemMilli: number
  /** Which program wrote it, with its version. */
  readonly writer: string
}

export const printRecordingHeader = (header: RecordingHeader): string =>
  JSON.stringify({
    format: recordingFormat,
    version: recordingVersion,
    ...header,
    columns: recordingColumns,
  })

/** One row; NaN is written as null. */
export const printRecordingRow = (kind: RecordingRowKind, values: ReadonlyArray<number>): string => {
  let text = `["${kind}"`
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!
    text += Number.isNaN(value) ? ",null" : `,${value}`
  }
  return `${text}]`
}

/** One line, understood. `wallMs` is when it was, with the clock's jumps; unknown amounts are NaN. */
export type DecodedLine =
  | { readonly type: "Header"; readonly header: RecordingHeader }
  | {
      readonly type: "Row"
      readonly kind: RecordingRowKind
      readonly wallMs: number
      /** In the order of {@link recordingColumns}, `atMs` first. */
      readonly values: ReadonlyArray<number>
      readonly capacityCpuMilli: number
      readonly capacityMemMilli: number
    }
  | { readonly type: "Bad"; readonly reason: string }

/** Decodes the lines of one file in order; a bad line changes nothing. */
export const createRecordingDecoder = (): ((line: string) => DecodedLine) => {
  let header: RecordingHeader | undefined
  let lastAtMs = 0
  /** Wall time less `atMs`. */
  let wallOffsetMs = 0
  let capacityCpuMilli = 0
  let capacityMemMilli = 0

  const takeRow = (kind: RecordingRowKind, values: ReadonlyArray<number>): DecodedLine => {
    const atMs = values[0]!
    if (!(atMs >= lastAtMs)) return bad(`its time ${atMs} is not at or after the row before, ${lastAtMs}`)
    if (kind === "k") {
      if (!(values[1]! > 0 && values[2]! > 0)) return bad("a host cannot be without cpu or memory")
      capacityCpuMilli = values[1]!
      capacityMemMilli = values[2]!
    }
    if (kind === "c") {
      if (!isPlausibleTime(values[1]!)) return bad(`${values[1]!} is no time between 2000 and 2100`)
      wallOffsetMs = values[1]! - atMs
    }
    lastAtMs = atMs
    return { type: "Row", kind, wallMs: wallOffsetMs + atMs, values, capacityCpuMilli, capacityMemMilli }
  }

  return (line) => {
    let parsed: unknown
    try {
      parsed = JSON.parse(line)
    } catch {
      return bad("is not JSON")
    }
    if (header !== undefined) {
      const row = checkRow(parsed)
      return typeof row === "string" ? bad(row) : takeRow(row.kind, row.values)
    }
    const checked = checkHeader(parsed)
    if (typeof checked === "string") return bad(checked)
    header = checked
    wallOffsetMs = header.startMs
    capacityCpuMilli = header.capacityCpuMilli
    capacityMemMilli = header.capacityMemMilli
    return { type: "Header", header }
  }
}

/** True for a line that was cut off, as by the death of its writer: it does not end as a row does. */
export const isTornRow = (line: string): boolean => line.charAt(line.length - 1) !== "]"

const bad = (reason: string): DecodedLine => ({ type: "Bad", reason })

/** 2000 to 2100. */
const isPlausibleTime = (ms: number): boolean => ms >= 946_684_800_000 && ms <= 4_102_444_800_000

const isText = (value: unknown): value is string => typeof value === "string"

const isAmount = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= 9_007_199_254_740_991 && Math.floor(value) === value

const checkHeader = (parsed: unknown): RecordingHeader | string => {
  if (typeof parsed !== "object" || parsed === null) return "is not a header"
  const found = parsed as Record<string, unknown>
  const { format, version, host, bootId, startMs, intervalMs, capacityCpuMilli, capacityMemMilli, writer } =
    found
  if (format !== recordingFormat) return `"format" is not "${recordingFormat}"`
  if (version !== recordingVersion)
    return `is version ${String(version)} of the format, this gleaner reads version ${recordingVersion}: use the gleaner that wrote it`
  if (!isText(host) || host === "") return '"host" is not a name'
  if (!isAmount(startMs) || !isPlausibleTime(startMs)) return '"startMs" is no time between 2000 and 2100'
  if (!isAmount(intervalMs) || intervalMs === 0) return '"intervalMs" is not a whole number above 0'
  if (!isAmount(capacityCpuMilli) || capacityCpuMilli === 0) return '"capacityCpuMilli" is not above 0'
  if (!isAmount(capacityMemMilli) || capacityMemMilli === 0) return '"capacityMemMilli" is not above 0'
  return {
    host,
    bootId: isText(bootId) ? bootId : "",
    startMs,
    intervalMs,
    capacityCpuMilli,
    capacityMemMilli,
    writer: isText(writer) ? writer : "",
  }
}

const checkRow = (
  parsed: unknown,
): { readonly kind: RecordingRowKind; readonly values: ReadonlyArray<number> } | string => {
  if (!Array.isArray(parsed)) return "is not a row, which is a JSON array"
  const kind = parsed[0] as RecordingRowKind
  const columns =
    isText(kind) && Object.keys(recordingColumns).includes(kind) ? recordingColumns[kind] : undefined
  if (columns === undefined)
    return `begins with ${JSON.stringify(parsed[0])}, expected one of ${Object.keys(recordingColumns).join(", ")}`
  if (parsed.length !== columns.length + 1)
    return `has ${parsed.length - 1} values, expected ${columns.length}: ${columns.join(", ")}`
  const values: Array<number> = []
  for (let index = 0; index < columns.length; index++) {
    const value: unknown = parsed[index + 1]
    if (!isAmount(value) && (value !== null || index === 0))
      return `"${columns[index]!}" is ${JSON.stringify(value)}, expected a whole number from 0 up`
    values.push(value === null ? Number.NaN : (value as number))
  }
  return { kind, values }
}
