import { Effect } from "effect"
import { jsonReply, textReply } from "../http/HttpMessage.ts"
import { get } from "../http/Routes.ts"
import { type HostView, hostViewPath } from "../protocol/HostView.ts"

/** What of the host is used, kept and lent right now (see HostView.ts). */
export const makeHostRoutes = (view: () => HostView) => [
  get(hostViewPath, () => Effect.sync(() => jsonReply(view()))),
]

/** Numbers only, so it is open as on the master. */
export const makeMetricsRoutes = (metrics: {
  readonly contentType: string
  readonly expose: () => Promise<string>
}) => [
  get("/metrics", () =>
    Effect.map(Effect.promise(metrics.expose), (text) => textReply(text, metrics.contentType)),
  ),
]
