import { Clock, Effect, Schedule } from "effect"
import { request } from "../../http/Client.ts"
import type { MasterAccess } from "../../mesos/SchedulerClient.ts"
import { type HostView, hostViewPath } from "../../protocol/HostView.ts"
import { fetchState } from "../ClusterState.ts"
import { clusterText } from "./ClusterText.ts"
import { hostBlock, hostLine } from "./HostText.ts"
import type { LiveBlock } from "./LiveBlock.ts"

export interface DisplayOptions {
  readonly master: () => MasterAccess
  /** Where the agent is now. */
  readonly agentUrl: () => string
  readonly block: LiveBlock
}

const askWaitMs = 2_000

const fetchHost = (url: string, { secret, tls }: MasterAccess): Effect.Effect<HostView | undefined> =>
  request({ url: `${url}${hostViewPath}`, secret, tls }).pipe(
    Effect.map(({ status, body }) => (status === 200 ? (JSON.parse(body) as HostView) : undefined)),
    Effect.catchAllCause(() => Effect.succeed(undefined)),
    Effect.timeoutTo({
      duration: askWaitMs,
      onSuccess: (view) => view,
      onTimeout: (): HostView | undefined => undefined,
    }),
  )

/** Shows each second what is used, kept and lent, until interrupted. A moment without an answer is shown, not fatal. */
export const showHost = ({ master, agentUrl, block }: DisplayOptions): Effect.Effect<never> => {
  const look = Effect.gen(function* () {
    const access = master()
    const [host, state] = yield* Effect.all(
      [
        fetchHost(agentUrl(), access),
        Effect.orElseSucceed(Effect.timeout(fetchState(access), askWaitMs), () => undefined),
      ],
      { concurrency: 2 },
    )
    const nowMs = yield* Clock.currentTimeMillis
    if (host !== undefined) return block.show(hostBlock(host, state), hostLine(host, state), nowMs)
    const parts = state === undefined ? ["the master does not answer"] : clusterText(state)
    const line = ["the agent does not answer", ...parts].join(" · ")
    block.show([line], line, nowMs)
  })
  return look.pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.zipRight(Effect.never))
}
