import fc from "fast-check"

// For mutation runs: every mutant meets the same cases, and the first failure is enough.
fc.configureGlobal({ seed: 1, endOnFailure: true })
