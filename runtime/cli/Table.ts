/** One column of a text table. */
export interface Column {
  readonly title: string
  /** Numbers are aligned right, so that their digits stand below each other. */
  readonly align: "left" | "right"
}

const gap = "  "

/** Aligned text with a rule below the header; no trailing blanks, no newline at the end. */
export const renderTable = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
): string => {
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => (row[index] ?? "").length)),
  )
  const line = (cells: ReadonlyArray<string>) =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? ""
        return column.align === "right" ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!)
      })
      .join(gap)
      .trimEnd()
  const header = line(columns.map((column) => column.title))
  const rule = widths.map((width) => "─".repeat(width)).join(gap)
  return [header, rule, ...rows.map(line)].join("\n")
}
