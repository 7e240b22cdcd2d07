import { Context } from "effect"

/**
 * How much the daemon logs beyond what people should know (0): from 1 on what it takes in, batch by batch, from 2 on each event. As
 * glog's verbosity in Mesos it can be raised for a while, after which it is 0 again by itself.
 */
export interface Verbosity {
  readonly level: () => number
  /** Replaces what was set before. */
  readonly set: (level: number, durationMs: number) => void
}

/** `nowMs` of a clock that never goes back. */
export const makeVerbosity = (nowMs: () => number = () => performance.now()): Verbosity => {
  let raised = { level: 0, untilMs: 0 }
  return {
    level: () => (nowMs() < raised.untilMs ? raised.level : 0),
    set: (level, durationMs) => {
      raised = { level, untilMs: nowMs() + durationMs }
    },
  }
}

/** The process's own, unless another one is provided. */
export class LogVerbosity extends Context.Reference<LogVerbosity>()("gleaner/LogVerbosity", {
  defaultValue: (): Verbosity => makeVerbosity(),
}) {}
