/** Shows on stderr how far a command is, so that stdout carries nothing but its result. */
export interface Progress {
  /** What is being done now; calls may be frequent, output is not. */
  readonly show: (text: string) => void
  /** Removes the live line; to be called before other output and at the end. */
  readonly clear: () => void
}

/** The part of a stream that is used. */
export interface ProgressStream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

/** Between two updates of the live line. */
const liveMs = 80
/** Between two plain lines, for logs: the first comes after this long too, so a quick command says nothing. */
const plainMs = 5000

const eraseLine = "\r\u001b[2K"

/** On a terminal one live line, elsewhere a plain line every few seconds. `nowMs` is a monotonic clock. */
export const createProgress = (stream: ProgressStream, nowMs: () => number): Progress => {
  const isLive = stream.isTTY === true
  let shownAtMs = isLive ? Number.NEGATIVE_INFINITY : nowMs()
  let isOnScreen = false
  return {
    show: (text) => {
      const now = nowMs()
      if (now - shownAtMs < (isLive ? liveMs : plainMs)) return
      shownAtMs = now
      if (!isLive) {
        stream.write(`${text}\n`)
        return
      }
      // A line that wraps could not be erased again.
      stream.write(`${eraseLine}${text.slice(0, (stream.columns ?? 80) - 1)}`)
      isOnScreen = true
    },
    clear: () => {
      if (isOnScreen) stream.write(eraseLine)
      isOnScreen = false
    },
  }
}
