import { createHash } from "node:crypto"
import type { Effect } from "effect"
import type { HttpReply, HttpRequest } from "../../http/HttpMessage.ts"
import type { OperatorFacts } from "./Facts.ts"
import { seesEverything } from "./Sight.ts"

/** What the views read of a query; anything else must not make another answer. */
const parameters = ["slave_id", "framework_id", "task_id", "limit", "offset", "order", "gleaner"]

const readParameters = (query: URLSearchParams): string =>
  new URLSearchParams(
    parameters.flatMap((name) => query.getAll(name).map((value): [string, string] => [name, value])),
  ).toString()

/**
 * Answers with what a view of the state comes to, from the bytes of the last answer while the state has not changed. Those from whom
 * something is left out have answers of their own, each principal apart, which do not push out those of who sees everything.
 */
export const answerSeen = (
  { replies, partialReplies, stateVersion }: OperatorFacts,
  request: HttpRequest,
  name: string,
  view: () => unknown,
  /** The same as JSON, when there is a quicker way to it. */
  json: () => string | Buffer = () => JSON.stringify(view()),
): Effect.Effect<HttpReply> => {
  const query = readParameters(request.query())
  const named = query === "" ? name : `${name}?${query}`
  if (seesEverything(request.caller))
    return replies.answer(request, { name: named, version: stateVersion, json })
  const owner = ownerOf(request)
  return partialReplies.answer(request, {
    name: `${owner} ${named}`,
    version: `${stateVersion}-${owner}`,
    json: () => JSON.stringify(view()),
  })
}

/** The rules know callers by their principals alone. */
const ownerOf = ({ principal }: HttpRequest): string =>
  createHash("sha256")
    .update(principal ?? "", "utf8")
    .digest("hex")
    .slice(0, 32)
