import { Cause, HashMap, type Layer, List, Logger } from "effect"

/**
 * Structured log lines on stderr, one JSON object each: time, level, daemon, message, annotations, cause. JSON because
 * log shippers read it without configuration; people read it with `jq` or as it is.
 */
export const layerDaemonLog = (daemon: string): Layer.Layer<never> =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ date, logLevel, message, annotations, cause, spans }) => {
      const texts = (Array.isArray(message) ? message : [message]).map((part) =>
        typeof part === "string" ? part : JSON.stringify(part),
      )
      const entry: Record<string, unknown> = {
        time: date.toISOString(),
        level: logLevel.label.toLowerCase(),
        daemon,
        message: texts.join(" "),
      }
      for (const [key, value] of HashMap.entries(annotations)) entry[key] = value
      const first = List.head(spans)
      if (first._tag === "Some") entry.spanMs = date.getTime() - first.value.startTime
      if (!Cause.isEmpty(cause)) entry.cause = Cause.pretty(cause, { renderErrorCause: true })
      process.stderr.write(`${JSON.stringify(entry)}\n`)
    }),
  )
