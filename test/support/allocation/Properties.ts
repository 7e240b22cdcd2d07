import type fc from "fast-check"
import type { Scenario } from "./Command.ts"
import { nobodyJumpsTheQueue } from "./FairnessLaw.ts"
import { filtersHold } from "./FilterLaw.ts"
import { type Implementation, naive } from "./Implementations.ts"
import { booksAgree, expectNothingHeld, neverLentTwice, nothingIsLeftOver, rowsFollow } from "./Laws.ts"
import { quotasHold } from "./QuotaLaw.ts"
import { crowds, plainClusters, scenarios } from "./Scenario.ts"
import { expectSameStory, replay, storyOf, watchAll } from "./Story.ts"

/** Something that holds for every scenario. */
export interface AllocatorProperty {
  readonly name: string
  readonly title: string
  /** @param maxLength of the commands after the cluster is set up */
  readonly scenarios: (maxLength: number) => fc.Arbitrary<Scenario>
  /** Throws where it does not hold, and tells the story. */
  readonly check: (implementation: Implementation, scenario: Scenario) => void
}

const laws = watchAll(booksAgree, neverLentTwice, quotasHold, filtersHold, rowsFollow, nothingIsLeftOver)

const compareWithTwin: AllocatorProperty["check"] = ({ name, make }, scenario) =>
  expectSameStory(storyOf(naive.make, scenario), storyOf(make, scenario), [naive.name, name])

export const properties: ReadonlyArray<AllocatorProperty> = [
  {
    name: "laws",
    title:
      "keeps books, limits, guarantees, filters and rows through whatever happens, and leaves nothing over",
    scenarios: (maxLength) => scenarios(undefined, maxLength),
    check: ({ make }, scenario) => expectNothingHeld(replay(make, scenario, laws).world),
  },
  {
    name: "fair",
    title: "is fair within one host (L8)",
    scenarios: (maxLength) => scenarios(plainClusters, maxLength),
    check: ({ make }, scenario) => {
      replay(make, scenario, nobodyJumpsTheQueue)
    },
  },
  {
    name: "restart",
    title: "goes on as before after a restart",
    scenarios: (maxLength) => scenarios(undefined, maxLength),
    check: ({ make }, scenario) => {
      const commands = scenario.commands.filter(({ type }) => type !== "restart")
      const straight = storyOf(make, { ...scenario, commands })
      const restarted = storyOf(make, scenario).filter((line) => !line.endsWith('{"type":"restart"}'))
      expectSameStory(straight, restarted, ["never restarted", "restarted"])
    },
  },
  {
    name: "twin",
    title: "is the naive twin, but for the time it takes",
    scenarios: (maxLength) => scenarios(undefined, maxLength),
    check: compareWithTwin,
  },
  {
    name: "crowd",
    title: "is the naive twin also with many hosts and frameworks",
    scenarios: (maxLength) => scenarios(crowds, maxLength),
    check: compareWithTwin,
  },
]
