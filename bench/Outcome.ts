import type { Column } from "../runtime/cli/Table.ts"

/** A table of a report, the same in the terminal and in HTML. */
export interface ReportTable {
  readonly title: string
  /** What is measured there, in a sentence or two. */
  readonly note: string
  readonly columns: ReadonlyArray<Column>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  /** For the picture; empty = none. */
  readonly ratios: ReadonlyArray<Ratio>
}

/** How many times faster than a peer. */
export interface Ratio {
  readonly label: string
  readonly ratio: number
  readonly goal: number
}

/** A time that the next run is compared with, by what was measured. */
export interface MedianTime {
  readonly key: string
  readonly medianMs: number
}

/** What a suite has to say. */
export interface Outcome {
  /** One object a line of `--json`. */
  readonly lines: ReadonlyArray<object>
  readonly tables: ReadonlyArray<ReportTable>
  readonly times: ReadonlyArray<MedianTime>
  /** Wrong results: their times are not shown. */
  readonly problems: ReadonlyArray<string>
}
