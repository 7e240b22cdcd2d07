import fc from "fast-check"
import { placerScenarios } from "../placement/PlacerScenario.ts"
import { placerStoryOf } from "../placement/PlacerStory.ts"
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
  readonly holdsFor: (implementation: Implementation, maxLength: number) => fc.IProperty<[unknown]>
}

/** `check` throws where it does not hold, and tells the story. */
const propertyOf = <Life>(
  name: string,
  title: string,
  lives: (maxLength: number) => fc.Arbitrary<Life>,
  check: (implementation: Implementation, life: Life) => void,
): AllocatorProperty => ({
  name,
  title,
  holdsFor: (implementation, maxLength) =>
    fc.property(lives(maxLength), (life) => check(implementation, life)) as fc.IProperty<[unknown]>,
})

const laws = watchAll(booksAgree, neverLentTwice, quotasHold, filtersHold, rowsFollow, nothingIsLeftOver)

const compareWithTwin = ({ name, make }: Implementation, scenario: Scenario): void =>
  expectSameStory(storyOf(naive.make, scenario), storyOf(make, scenario), [naive.name, name])

export const properties: ReadonlyArray<AllocatorProperty> = [
  propertyOf(
    "laws",
    "keeps books, limits, guarantees, filters and rows through whatever happens, and leaves nothing over",
    (maxLength) => scenarios(undefined, maxLength),
    ({ make }, scenario) => expectNothingHeld(replay(make, scenario, laws).world),
  ),
  propertyOf(
    "fair",
    "is fair within one host (L8)",
    (maxLength) => scenarios(plainClusters, maxLength),
    ({ make }, scenario) => {
      replay(make, scenario, nobodyJumpsTheQueue)
    },
  ),
  propertyOf(
    "restart",
    "goes on as before after a restart",
    (maxLength) => scenarios(undefined, maxLength),
    ({ make }, scenario) => {
      const commands = scenario.commands.filter(({ type }) => type !== "restart")
      const straight = storyOf(make, { ...scenario, commands })
      const restarted = storyOf(make, scenario).filter((line) => !line.endsWith('{"type":"restart"}'))
      expectSameStory(straight, restarted, ["never restarted", "restarted"])
    },
  ),
  propertyOf(
    "twin",
    "is the naive twin, but for the time it takes",
    (maxLength) => scenarios(undefined, maxLength),
    compareWithTwin,
  ),
  propertyOf(
    "crowd",
    "is the naive twin also with many hosts and frameworks",
    (maxLength) => scenarios(crowds, maxLength),
    compareWithTwin,
  ),
  propertyOf(
    "placements",
    "places tasks where the naive twin does, and never lends anything twice (L1)",
    placerScenarios,
    ({ name, make }, scenario) =>
      expectSameStory(placerStoryOf(naive.make, scenario), placerStoryOf(make, scenario), [naive.name, name]),
  ),
]
