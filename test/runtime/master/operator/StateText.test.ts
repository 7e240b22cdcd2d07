import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { defaultMasterSettings } from "../../../../core/master/State.ts"
import { makeCachedReplies } from "../../../../runtime/http/CachedReplies.ts"
import type { OperatorFacts } from "../../../../runtime/master/operator/Facts.ts"
import { stateView } from "../../../../runtime/master/operator/State.ts"
import { stateText } from "../../../../runtime/master/operator/StateText.ts"
import { frameworkInfo, MasterHarness } from "../../../support/MasterHarness.ts"
import { anySettings, play, story } from "../../../support/MasterStories.ts"

const factsOf = ({ state }: MasterHarness): OperatorFacts => ({
  state,
  identity: {
    masterId: state.masterId,
    version: "1",
    address: { hostname: "grün", ip: "127.0.0.1", port: 5050 },
  },
  flags: [{ name: "port", value: "5050" }],
  startedWallMs: 1_000,
  problem: undefined,
  metrics: () => ({}),
  stateVersion: "",
  replies: makeCachedReplies(),
})

const read = (master: MasterHarness) => {
  const facts = factsOf(master)
  for (const form of ["mesos", "gleaner"] as const) {
    const text = stateText(facts, form).toString("utf8")
    expect(text).toBe(JSON.stringify(stateView(facts, form)))
  }
}

describe("/state from what was written before", () => {
  it("is the state written anew, whatever has happened and whenever it was read before", () => {
    fc.assert(
      fc.property(
        anySettings,
        story,
        fc.array(fc.boolean(), { maxLength: 20 }),
        (settings, chapters, reads) => {
          const master = new MasterHarness(settings)
          chapters.forEach((chapter, index) => {
            play(master, chapter)
            if (reads[index % (reads.length + 1)] ?? true) read(master)
          })
          read(master)
        },
      ),
      { numRuns: 60 },
    )
  })

  it("is right for a framework whose name looks like a part of it", () => {
    const master = new MasterHarness(defaultMasterSettings)
    master.step({
      ...{ type: "FrameworkSubscribed", streamId: "s", frameworkId: null, suppressedRoles: [] },
      info: frameworkInfo({ name: '"tasks":[],"unreachable_tasks":[],"completed_tasks":[]', hostname: "$&" }),
    })
    read(master)
  })
})
