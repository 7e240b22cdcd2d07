import type { Effect } from "effect"
import {
  type HttpRefusal,
  type HttpReply,
  type HttpRequest,
  methodNotAllowed,
  notFound,
} from "./HttpMessage.ts"

export type Handler<R = never> = (request: HttpRequest) => Effect.Effect<HttpReply, HttpRefusal, R>

export interface Route<R = never> {
  /** An exact one; or with `*` as its last segment, which stands for any one segment. */
  readonly path: string
  readonly methods: ReadonlyArray<string>
  readonly handler: Handler<R>
  /** Of its request's body, when it is not the listener's bound. */
  readonly maxBodyBytes?: number
}

/** For calls: POST only. */
export const post = <R = never>(
  path: string,
  handler: Handler<R>,
  options: Pick<Route, "maxBodyBytes"> = {},
): Route<R> => ({ path, methods: ["POST"], handler, ...options })

/** For what only reads; HEAD is answered as GET without the body. */
export const get = <R = never>(path: string, handler: Handler<R>): Route<R> => ({
  path,
  methods: ["GET"],
  handler,
})

/** For Mesos's own read-only endpoints, which never looked at the method (transcripts, item 5). */
export const read = <R = never>(path: string, handler: Handler<R>): Route<R> => ({
  path,
  methods: ["GET", "POST"],
  handler,
})

export interface RoutesOptions {
  /** Prefixes under which every route exists once more, like `/master` (transcripts, item 5). */
  readonly prefixes?: ReadonlyArray<string>
}

const withBodyBound = <R>({ handler, maxBodyBytes }: Route<R>): Handler<R> =>
  maxBodyBytes === undefined
    ? handler
    : (request) =>
        handler({
          ...request,
          body: request.bodyUpTo(maxBodyBytes),
          takeBody: (done) => request.takeBody(done, maxBodyBytes),
        })

const withoutLast = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1)

/** One handler out of a table of paths; a trailing slash is accepted. 404 and 405 as Mesos words them. */
export const routesToHandler = <R = never>(
  routes: ReadonlyArray<Route<R>>,
  options: RoutesOptions = {},
): Handler<R> => {
  const handlersByPath = new Map<string, Map<string, Handler<R>>>()
  for (const route of routes) {
    const { path, methods } = route
    const handler = withBodyBound(route)
    for (const prefix of ["", ...(options.prefixes ?? [])]) {
      const handlers = handlersByPath.get(prefix + path) ?? new Map<string, Handler<R>>()
      handlersByPath.set(prefix + path, handlers)
      for (const method of methods) handlers.set(method, handler)
    }
  }
  return (request) => {
    const { path, method } = request
    const handlers =
      handlersByPath.get(path) ??
      (path.length > 1 && path.endsWith("/")
        ? handlersByPath.get(path.slice(0, -1))
        : handlersByPath.get(`${withoutLast(path)}*`))
    if (handlers === undefined) return notFound()
    const handler = handlers.get(method) ?? (method === "HEAD" ? handlers.get("GET") : undefined)
    return handler === undefined ? methodNotAllowed([...handlers.keys()], method) : handler(request)
  }
}
