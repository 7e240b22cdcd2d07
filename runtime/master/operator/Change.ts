import { Effect } from "effect"
import type { MasterState } from "../../../core/master/State.ts"
import { emptyReply, HttpRefusal, type HttpReply, refuse, unavailable } from "../../http/HttpMessage.ts"
import type { UnstampedEvent } from "../Mailbox.ts"
import { Master } from "../Master.ts"

/**
 * Steps the event that an operator's order comes to, and answers 200 with nothing in it once all that follows is durable
 * (mesos-transcripts README, 1). The order is judged right before the step, so nothing can come in between; undefined = it is
 * carried out already.
 */
export const change = (
  decide: (state: MasterState) => UnstampedEvent | HttpRefusal | undefined,
  /** 202 where Mesos says that it has only begun. */
  status: 200 | 202 = 200,
): Effect.Effect<HttpReply, HttpRefusal, Master> =>
  Effect.gen(function* () {
    const master = yield* Master
    const verdict: { refusal?: HttpRefusal } = {}
    const event = (state: MasterState): UnstampedEvent | undefined => {
      const decision = decide(state)
      if (!(decision instanceof HttpRefusal)) return decision
      verdict.refusal = decision
      return undefined
    }
    yield* master.submit({ event }).pipe(
      Effect.catchTags({
        MailboxFull: ({ message }) => Effect.fail(unavailable(message)),
        MailFailed: ({ message }) => Effect.fail(refuse(500, message)),
        // Only calls of frameworks have a caller who can be refused.
        CallRefused: Effect.die,
      }),
    )
    return verdict.refusal === undefined ? emptyReply(status) : yield* verdict.refusal
  })
