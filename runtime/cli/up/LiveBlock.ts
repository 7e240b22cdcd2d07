/** Shows something that changes: in place on a terminal, as lines elsewhere. */
export interface LiveBlock {
  /** On a terminal the lines replace those before; elsewhere the single line is written when it changed. */
  readonly show: (lines: ReadonlyArray<string>, line: string, nowMs: number) => void
  /** Says something once and for good, above what is shown. */
  readonly say: (text: string) => void
  /** What follows begins on a line of its own. */
  readonly end: () => void
}

/** Between two lines in a log: who looks at it later wants the course, not each second. */
const lineWaitMs = 5_000

type Stream = Pick<NodeJS.WriteStream, "write"> & { readonly isTTY?: boolean; readonly columns?: number }

const cutTo = (line: string, width: number): string =>
  line.length < width ? line : `${line.slice(0, width - 2)}…`

export const createLiveBlock = (stream: Stream): LiveBlock =>
  stream.isTTY === true ? createTerminalBlock(stream) : createLines(stream)

const createTerminalBlock = (stream: Stream): LiveBlock => {
  let shown: ReadonlyArray<string> = []
  const erased = () => (shown.length === 0 ? "" : `\r${"\u001b[A".repeat(shown.length - 1)}\u001b[J`)
  const drawn = () => shown.map((line) => cutTo(line, stream.columns ?? 80)).join("\n")
  return {
    show: (lines) => {
      const erase = erased()
      shown = lines
      stream.write(`${erase}${drawn()}`)
    },
    say: (text) => {
      stream.write(`${erased()}${text}\n${drawn()}`)
    },
    end: () => {
      if (shown.length > 0) stream.write("\n")
      shown = []
    },
  }
}

const createLines = (stream: Stream): LiveBlock => {
  let written: { readonly line: string; readonly atMs: number } | undefined
  return {
    show: (_, line, nowMs) => {
      if (written !== undefined && (line === written.line || nowMs - written.atMs < lineWaitMs)) return
      stream.write(`${line}\n`)
      written = { line, atMs: nowMs }
    },
    say: (text) => {
      stream.write(`${text}\n`)
    },
    end: () => {},
  }
}
