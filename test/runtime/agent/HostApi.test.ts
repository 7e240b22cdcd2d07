import { describe, expect, it } from "vitest"
import { makeHostRoutes, makeMetricsRoutes } from "../../../runtime/agent/HostApi.ts"
import { request } from "../../../runtime/http/Client.ts"
import { routesToHandler } from "../../../runtime/http/Routes.ts"
import { type HostView, hostViewPath } from "../../../runtime/protocol/HostView.ts"
import { withListener } from "../http/ListenerFixture.ts"

const view: HostView = {
  monitor: "held",
  beatAgeMs: 3,
  policy: "p",
  capacity: { cpuMilli: 2, memMilli: 2 },
  lent: { cpuMilli: 1, memMilli: 1 },
  reserve: null,
  lendable: { cpuMilli: 0, memMilli: 0 },
  primary: { cpuMilli: null, memMilli: 1 },
  harvest: { cpuMilli: 0, memMilli: null },
  ceiling: { cpuMilli: null, memMilli: 5 },
  tasks: 1,
}

describe("an agent's host over HTTP", () => {
  it("is told as it is when asked", async () => {
    let beatAgeMs = 0
    const routes = makeHostRoutes(() => {
      beatAgeMs += 1
      return { ...view, beatAgeMs }
    })
    for (const expected of [1, 2]) {
      const reply = await withListener(routesToHandler(routes), ({ url }) =>
        request({ url: `${url}${hostViewPath}` }),
      )
      expect(reply.status).toBe(200)
      expect(reply.headers["content-type"]).toBe("application/json")
      expect(JSON.parse(reply.body)).toEqual({ ...view, beatAgeMs: expected })
    }
  })

  it("has its numbers at /metrics", async () => {
    const routes = makeMetricsRoutes({ contentType: "text/plain; v=1", expose: async () => "one 1\n" })
    const reply = await withListener(routesToHandler(routes), ({ url }) => request({ url: `${url}/metrics` }))
    expect(reply).toMatchObject({ status: 200, body: "one 1\n" })
    expect(reply.headers["content-type"]).toBe("text/plain; v=1")
  })
})
