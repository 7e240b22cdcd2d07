import { type Effect, Exit, FiberId, Runtime } from "effect"
import { DirectReply, isReply } from "./DirectReply.ts"
import { HttpRefusal, type HttpReply } from "./HttpMessage.ts"

type ReplyEffect<R> = Effect.Effect<HttpReply, HttpRefusal, R>
type ReplyExit = Exit.Exit<HttpReply, HttpRefusal>

const runFiber = <R>(
  runtime: Runtime.Runtime<R>,
  effect: ReplyEffect<R>,
  done: (exit: ReplyExit) => void,
): (() => void) => {
  const fiber = Runtime.runFork(runtime)(effect)
  fiber.addObserver(done)
  return () => fiber.unsafeInterruptAsFork(FiberId.none)
}

const runDirect = <R>(
  runtime: Runtime.Runtime<R>,
  direct: DirectReply<R>,
  done: (exit: ReplyExit) => void,
): (() => void) => {
  let isOver = false
  let stopFiber = () => {}
  const finish = (exit: ReplyExit) => {
    if (isOver) return
    isOver = true
    done(exit)
  }
  const stop = direct.start(
    runtime.context,
    (outcome) => {
      if (isReply(outcome)) finish(Exit.succeed(outcome))
      else if (outcome instanceof HttpRefusal) finish(Exit.fail(outcome))
      else stopFiber = runFiber(runtime, outcome, finish)
    },
    (defect) => finish(Exit.die(defect)),
  )
  return () => {
    if (isOver) return
    stop()
    stopFiber()
    finish(Exit.interrupt(FiberId.none))
  }
}

/** Runs what a handler came to; `done` is called once, maybe within this call. Returns what interrupts it. */
export const runHandler = <R>(
  runtime: Runtime.Runtime<R>,
  handle: () => ReplyEffect<R>,
  done: (exit: ReplyExit) => void,
): (() => void) => {
  let effect: ReplyEffect<R>
  try {
    effect = handle()
  } catch (defect) {
    done(Exit.die(defect))
    return () => {}
  }
  return effect instanceof DirectReply ? runDirect(runtime, effect, done) : runFiber(runtime, effect, done)
}
