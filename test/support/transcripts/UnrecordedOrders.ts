import type { UnrecordedCall } from "./Unrecorded.ts"

// Orders of the recorded operator that were not recorded themselves: what was shown afterwards tells them.

const order = (atS: number, stream: string, type: string, member: object): UnrecordedCall => ({
  atS,
  stream,
  operator: { type, [type.toLowerCase()]: member },
})

const anchor = "operator/RESERVE_ok"

export const unrecordedOrders: ReadonlyArray<UnrecordedCall> = [
  order(2.02, anchor, "UPDATE_WEIGHTS", {
    weight_infos: [
      { role: "web", weight: 2 },
      { role: "batch", weight: 0.5 },
    ],
  }),
  order(2.088, anchor, "UPDATE_QUOTA", {
    quota_configs: [
      { role: "web", guarantees: { cpus: { value: 1 } }, limits: { cpus: { value: 2 } } },
      { role: "batch", limits: { cpus: { value: 3 } } },
    ],
  }),
  order(2.16, anchor, "DEACTIVATE_AGENT", {
    agent_id: { value: "46c3cb05-14b2-4cc7-aedb-95fdd9b51acc-S0" },
  }),
]

/** Of a script that had run before on the same master, and left the role without limits. */
export const formerQuota: UnrecordedCall = order(0.5, "scheduler/two_a_stream", "UPDATE_QUOTA", {
  quota_configs: [{ role: "lim" }],
})
