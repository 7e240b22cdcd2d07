import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

// The tests that judge the mutants of core/allocation (stryker.config.mjs). A mutant is done with at the first failure,
// so they come in the order in which they find out most in least time: examples, the whole allocator beside its naive
// twin in few scenarios, the parts of the allocator, and last the slow ones.
const inOrder = [
  /core\/allocation\/(?!Churn)\w+\.test\.ts$/,
  /contract\/(Allocator|Placer|PlacerRules)\.test\.ts$/,
  /IndexedAllocator\/\w+\.test\.ts$/,
  /./,
]
const rankOf = ({ moduleId }: TestSpecification): number =>
  inOrder.findIndex((pattern) => pattern.test(moduleId))

class QuickestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files
      .slice()
      .sort(
        (a, b) => rankOf(a) - rankOf(b) || (a.moduleId < b.moduleId ? -1 : a.moduleId > b.moduleId ? 1 : 0),
      )
  }
}

export default defineConfig({
  test: {
    include: ["test/core/allocation/**/*.test.ts", "test/contract/{Allocator,Placer,PlacerRules}.test.ts"],
    environment: "node",
    // To load all modules anew for each file would take longer than most of its tests.
    isolate: false,
    fileParallelism: false,
    sequence: { sequencer: QuickestFirst },
    setupFiles: ["test/support/SameCases.ts"],
    env: { GLEANER_RUN_SHARE: process.env.GLEANER_RUN_SHARE ?? "0.15" },
    testTimeout: 30_000,
  },
})
