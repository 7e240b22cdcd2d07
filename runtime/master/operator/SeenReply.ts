import { Effect } from "effect"
import { type HttpReply, type HttpRequest, jsonReply } from "../../http/HttpMessage.ts"
import type { OperatorFacts } from "./Facts.ts"
import { seesEverything } from "./Sight.ts"

/** What the views read of a query; anything else must not make another answer. */
const parameters = ["slave_id", "framework_id", "task_id", "limit", "offset", "order", "gleaner"]

const readParameters = (query: URLSearchParams): string =>
  new URLSearchParams(
    parameters.flatMap((name) => query.getAll(name).map((value): [string, string] => [name, value])),
  ).toString()

/**
 * Answers with what a view of the state comes to, from the bytes of the last answer while the state has not changed. Kept is only what
 * those see who see everything; an answer from which something is left out is made for each request.
 */
export const answerSeen = (
  { replies, stateVersion }: OperatorFacts,
  request: HttpRequest,
  name: string,
  view: () => unknown,
  /** The same as JSON, when there is a quicker way to it. */
  json: () => string | Buffer = () => JSON.stringify(view()),
): Effect.Effect<HttpReply> => {
  if (!seesEverything(request.caller)) return Effect.sync(() => jsonReply(view()))
  const query = readParameters(request.query())
  return replies.answer(request, {
    name: query === "" ? name : `${name}?${query}`,
    version: stateVersion,
    json,
  })
}
