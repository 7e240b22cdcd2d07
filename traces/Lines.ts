/** Takes bytes in pieces of any size. */
export interface ByteSink {
  readonly push: (chunk: Buffer) => void
  readonly end: () => void
}

/** Takes the lines of a text, numbered from 1. */
export interface LineSink {
  readonly line: (text: string, number: number) => void
  /** `lines` is how many lines there were. */
  readonly end: (lines: number) => void
}

/** Longest line of a recording; what is longer is not a text recording, and would fill the memory. */
export const lineLengthMost = 65_536

/**
 * Cuts bytes into lines without keeping more than one of them. Recordings are ASCII; decoding them as Latin-1 is fast and
 * cannot fail in the middle of a character. A byte-order mark and carriage returns are dropped.
 */
export const createLineSplitter = (sink: LineSink, onTooLong: (line: number) => never): ByteSink => {
  let rest = ""
  let number = 0

  const emit = (line: string) => {
    number++
    const clean = line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line
    sink.line(number === 1 && clean.startsWith("ï»¿") ? clean.slice(3) : clean, number)
  }

  return {
    push: (chunk) => {
      const text = rest + chunk.toString("latin1")
      let start = 0
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
        if (end - start > lineLengthMost) onTooLong(number + 1)
        emit(text.slice(start, end))
        start = end + 1
      }
      rest = text.slice(start)
      if (rest.length > lineLengthMost) onTooLong(number + 1)
    },
    end: () => {
      if (rest !== "") emit(rest)
      rest = ""
      sink.end(number)
    },
  }
}
