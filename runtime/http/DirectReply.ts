import { type Context, Effect, Effectable } from "effect"
import { HttpRefusal, type HttpReply, type HttpRequest } from "./HttpMessage.ts"

/** What answers a request: at once, later, or an effect that is then run as any other handler's. */
export type Outcome<R> = HttpReply | Effect.Effect<HttpReply, HttpRefusal, R>

/** Called once with what answers. */
export type Answer<R> = (outcome: Outcome<R>) => void

type Start<R> = (
  context: Context.Context<R>,
  answer: Answer<R>,
  onDefect: (defect: unknown) => void,
) => () => void

/**
 * A handler's effect that the listener starts by a plain call, without a fiber: a fiber and what it waits with cost ten times
 * what a call of the scheduler API costs otherwise. Run as an effect it does the same, so that whoever wraps
 * handlers need not know of it.
 */
export class DirectReply<R> extends Effectable.Class<HttpReply, HttpRefusal, R> {
  /** Begins to answer; returns what gives it up. Throws nothing, also not later. */
  readonly start: Start<R>

  constructor(start: Start<R>) {
    super()
    this.start = start
  }

  override commit(): Effect.Effect<HttpReply, HttpRefusal, R> {
    return Effect.contextWithEffect((context: Context.Context<R>) =>
      Effect.flatten(
        Effect.async<Effect.Effect<HttpReply, HttpRefusal, R>>((resume) => {
          const stop = this.start(
            context,
            (outcome) => resume(Effect.succeed(outcomeToEffect(outcome))),
            (defect) => resume(Effect.die(defect)),
          )
          return Effect.sync(stop)
        }),
      ),
    )
  }
}

export const outcomeToEffect = <R>(outcome: Outcome<R>): Effect.Effect<HttpReply, HttpRefusal, R> =>
  isReply(outcome) ? Effect.succeed(outcome) : outcome

export const isReply = <R>(outcome: Outcome<R>): outcome is HttpReply =>
  "_tag" in outcome && (outcome._tag === "FullReply" || outcome._tag === "StreamReply")

/** Reads the body and answers with what `use` comes to. What `use` throws is a defect, as in an effect. */
export const answerBody = <R = never>(
  request: HttpRequest,
  use: (body: Buffer, context: Context.Context<R>, answer: Answer<R>) => void,
): DirectReply<R> =>
  new DirectReply((context, answer, onDefect) =>
    request.takeBody((body) => {
      try {
        if (body instanceof HttpRefusal) answer(body)
        else use(body, context, answer)
      } catch (error) {
        onDefect(error)
      }
    }),
  )
