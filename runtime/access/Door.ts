import { type HttpRefusal, type HttpRequest, refuse } from "../http/HttpMessage.ts"
import { makeRequestRate, type RequestRate } from "../http/RequestRate.ts"
import type { Handler } from "../http/Routes.ts"
import type { Authenticate } from "./Authentication.ts"
import type { Caller } from "./Caller.ts"

// Where requests come in: who asks, and whether they ask too often.

export interface RateBounds {
  /** Requests a second of one principal; null = as many as come, the default. Who has the cluster's secret is not counted. */
  readonly principalRate?: number | null
  /** The same of one remote address that has not proven who it is; default 100. */
  readonly strangerRate?: number | null
}

export interface Door {
  readonly authenticate: Authenticate
  readonly principals: RequestRate
  readonly strangers: RequestRate
  readonly provenByConnection: WeakMap<object, Proven>
}

const defaultStrangerRate = 100

export const makeDoor = (
  authenticate: Authenticate,
  { principalRate = null, strangerRate = defaultStrangerRate }: RateBounds = {},
  nowMs: () => number = () => performance.now(),
): Door => ({
  authenticate,
  principals: makeRequestRate(principalRate, nowMs),
  strangers: makeRequestRate(strangerRate, nowMs),
  provenByConnection: new WeakMap(),
})

export const unauthorized = (realm: string): HttpRefusal =>
  refuse(
    401,
    "401 Unauthorized. Send the secret of this cluster, as `Authorization: Bearer <secret>` or as the password of" +
      " Basic authentication, or a principal of this cluster with its own; the daemon prints where its secret file" +
      " lies when it starts.",
    { "WWW-Authenticate": `Basic realm="${realm}"` },
  )

/** Who has proven on a connection who they are, and by what. */
interface Proven {
  readonly authorization: string
  readonly caller: Caller
}

/**
 * Most requests of a connection carry the same proof, which is judged once. It is compared only with what the same peer has proven
 * itself by before, so the time that takes says nothing about anybody's secret.
 */
const callerOf = (door: Door, { headers, connection }: HttpRequest): Caller | undefined => {
  const { authorization } = headers
  const before = door.provenByConnection.get(connection)
  if (before !== undefined && before.authorization === authorization) return before.caller
  const caller = door.authenticate(headers)
  if (caller !== undefined && authorization !== undefined)
    door.provenByConnection.set(connection, { authorization, caller })
  return caller
}

/** Asked too often, or not known: why the request is not served. */
const refusal = (door: Door, request: HttpRequest, realm: string | null): HttpRefusal | HttpRequest => {
  const caller = callerOf(door, request)
  if (caller === undefined) {
    const tooOften = door.strangers.take(request.remoteAddress)
    return tooOften ?? (realm === null ? request : unauthorized(realm))
  }
  request.prove()
  const tooOften =
    caller.isAdministrator || caller.principal === null ? undefined : door.principals.take(caller.principal)
  return tooOften ?? { ...request, caller, principal: caller.principal }
}

const enter =
  <R>(door: Door, handler: Handler<R>, realm: string | null): Handler<R> =>
  (request) => {
    const entered = refusal(door, request, realm)
    return "sentence" in entered ? entered : handler(entered)
  }

/** A handler that only answers those who have proven who they are, and is told who asks. */
export const requireCaller = <R>(door: Door, handler: Handler<R>, realm: string): Handler<R> =>
  enter(door, handler, realm)

/** A handler that answers everybody, but nobody too often. */
export const admitEverybody = <R>(door: Door, handler: Handler<R>): Handler<R> => enter(door, handler, null)
