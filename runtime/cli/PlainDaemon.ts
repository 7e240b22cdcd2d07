// What a daemon without Effect needs of its process: logs, signals, its parent's end.

/** One line on stdout, so that whoever started the daemon knows it serves and where. */
export const announceReady = (facts: { readonly [name: string]: string }): void => {
  process.stdout.write(`${JSON.stringify({ ready: true, ...facts })}\n`)
}

export type LogLevel = "debug" | "info" | "warning" | "error"

/** Lines as those of `layerDaemonLog`: one JSON object each, on stderr. Debug lines are left out. */
export const plainLog =
  (daemon: string) =>
  (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    if (level === "debug") return
    const entry = {
      time: new Date().toISOString(),
      level: level === "warning" ? "warn" : level,
      daemon,
      message,
    }
    process.stderr.write(`${JSON.stringify({ ...entry, ...fields })}\n`)
  }

/** Calls once when the daemon is to end: SIGINT, SIGTERM, or the end of stdin where a parent holds it. */
export const onEndAsked = (withParent: boolean, end: () => void): void => {
  let isAsked = false
  const once = () => {
    if (!isAsked) end()
    isAsked = true
  }
  process.on("SIGINT", once)
  process.on("SIGTERM", once)
  // Nobody reads any more: what is said is lost, but the daemon is not.
  process.stdout.on("error", () => {})
  process.stderr.on("error", () => {})
  if (!withParent) return
  process.stdin.on("end", once)
  process.stdin.on("error", once)
  process.stdin.resume()
}
