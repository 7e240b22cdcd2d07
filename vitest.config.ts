import { defineConfig } from "vitest/config"
import { buildFacts } from "./build-facts.mjs"

// Six kinds of test. Unit tests mirror the folders, those of runtime/ apart, since they meet the machine; contract suites
// run over every implementation of a port; end-to-end tests start real processes with real cgroups, so they run two files at a
// time; determinism compares what the same bundle of core/ says on several versions of Node.
const buildJson = JSON.stringify(buildFacts(import.meta.dirname))

const project = (name: string, include: string[], options: object = {}) => ({
  test: { name, include, environment: "node", env: { GLEANER_BUILD: buildJson }, ...options },
})

export default defineConfig({
  test: {
    projects: [
      project("structure", ["test/structure/**/*.test.ts"]),
      // What they test keeps no state of its own, so one file after the other may use the same modules: half the time.
      project("unit", ["test/{core,traces,sim,bench,support}/**/*.test.ts"], {
        testTimeout: 30_000,
        isolate: false,
      }),
      // Half of their time is waiting, and the other half loading what they test.
      project("runtime", ["test/runtime/**/*.test.ts"], {
        testTimeout: 30_000,
        maxWorkers: 2,
        sequence: { groupOrder: 1 },
      }),
      project("contract", ["test/contract/**/*.test.ts"], { testTimeout: 60_000, fileParallelism: false }),
      project("determinism", ["test/determinism/**/*.test.ts"], { testTimeout: 120_000 }),
      project("e2e", ["test/e2e/**/*.test.ts"], {
        testTimeout: 120_000,
        hookTimeout: 60_000,
        // Most of their time is waiting: for processes, graces, timeouts.
        maxWorkers: 2,
        // After all others; only projects with as many workers may run in one group.
        sequence: { groupOrder: 2 },
      }),
    ],
  },
})
