import { Cause, Context, FiberRef, FiberRefs, HashMap, Layer, List, Logger, LogLevel } from "effect"
import { LogVerbosity } from "./LogVerbosity.ts"

/** What is written at each verbosity; the last one at all above, too. */
const leastLevels = [LogLevel.Info, LogLevel.Debug, LogLevel.Trace]

const isWanted = (level: LogLevel.LogLevel, verbosity: number): boolean =>
  LogLevel.greaterThanEqual(level, leastLevels[Math.min(verbosity, leastLevels.length - 1)]!)

/**
 * Structured log lines on stderr, one JSON object each: time, level, daemon, message, annotations, cause. JSON because
 * log shippers read it without configuration; people read it with `jq` or as it is. Which levels are written is asked at each line:
 * operators may raise the verbosity for a while.
 */
export const layerDaemonLog = (daemon: string): Layer.Layer<never> =>
  Layer.merge(
    Logger.minimumLogLevel(LogLevel.All),
    Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ date, logLevel, message, annotations, cause, spans, context }) => {
        const services = FiberRefs.getOrDefault(context, FiberRef.currentContext)
        if (!isWanted(logLevel, Context.get(services, LogVerbosity).level())) return
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
    ),
  )
