// Mutation runs: what of `core/allocation` could be changed without a test noticing. Each run copies the project into
// a sandbox; the types are not checked there, so what only the compiler would refuse counts as a mutant too.

/** Stryker would put a text into every empty array, and nearly all of them are of numbers or objects. */
const emptyArrays = {
  shouldIgnore: (path) =>
    path.isArrayExpression() && path.node.elements.length === 0 ? "the types know it is empty" : undefined,
}

export const strykerPlugins = [{ kind: "Ignore", name: "empty-arrays", value: emptyArrays }]

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  mutate: ["core/allocation/**/*.ts"],
  plugins: ["@stryker-mutator/vitest-runner", "./stryker.config.mjs"],
  ignorers: ["empty-arrays"],
  testRunner: "vitest",
  vitest: { configFile: "vitest.mutants.config.ts", related: false },
  coverageAnalysis: "perTest",
  // Stryker would rewrite tsconfig.json with the compiler's API, which TypeScript 7 does not have.
  ignorePatterns: ["/tsconfig.json", "/dist*", "/bench-report", "/mutants-report", "/coverage"],
  disableTypeChecks: false,
  timeoutMS: 10_000,
  timeoutFactor: 1.5,
  incrementalFile: "node_modules/.cache/stryker/incremental.json",
  reporters: ["clear-text", "progress", "html", "json"],
  clearTextReporter: { reportTests: false },
  htmlReporter: { fileName: "mutants-report/mutants.html" },
  jsonReporter: { fileName: "mutants-report/mutants.json" },
}
