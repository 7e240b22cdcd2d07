import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import { Effect } from "effect"
import { type HttpRefusal, refuse } from "./HttpMessage.ts"
import type { Handler } from "./Routes.ts"

/** Digests have one length whatever was sent, which `timingSafeEqual` needs. */
const digestOf = (text: string) => createHash("sha256").update(text, "utf8").digest()

const secretIn = (authorization: string): string | undefined => {
  const [, scheme = "", credentials = ""] = /^(\S+) +(\S+) *$/.exec(authorization) ?? []
  switch (scheme.toLowerCase()) {
    case "bearer":
      return credentials
    case "basic": {
      const pair = Buffer.from(credentials, "base64").toString("utf8")
      const colon = pair.indexOf(":")
      return colon === -1 ? undefined : pair.slice(colon + 1)
    }
    default:
      return undefined
  }
}

/**
 * Whether a request carries the cluster's secret: as bearer token, or as the password of any principal, which is how
 * Mesos's clients bring it (spec/mesos.md §0.6). Takes as long for a wrong secret as for the right one.
 */
export const makeSecretCheck = (secret: string): ((headers: IncomingHttpHeaders) => boolean) => {
  const expected = digestOf(secret)
  return ({ authorization }) => {
    const given = authorization === undefined ? undefined : secretIn(authorization)
    return given !== undefined && timingSafeEqual(digestOf(given), expected)
  }
}

const masterRealm = "gleaner-master"

export const unauthorized = (realm: string = masterRealm): HttpRefusal =>
  refuse(
    401,
    "401 Unauthorized. Send the secret of this cluster, as `Authorization: Bearer <secret>` or as the password of" +
      " Basic authentication; the daemon prints where its secret file lies when it starts.",
    { "WWW-Authenticate": `Basic realm="${realm}"` },
  )

/** A handler that only answers requests with the secret. */
export const requireSecret = <R>(
  isAuthentic: (headers: IncomingHttpHeaders) => boolean,
  handler: Handler<R>,
  realm: string = masterRealm,
): Handler<R> => {
  return (request) => (isAuthentic(request.headers) ? handler(request) : Effect.fail(unauthorized(realm)))
}
