import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { readDuration } from "../../../runtime/mesos/DurationText.ts"

describe("times as Mesos writes them", () => {
  it.each([
    ["0ns", 0],
    ["250us", 0.25],
    ["500ms", 500],
    ["1secs", 1_000],
    ["1.5mins", 90_000],
    [".5hrs", 1_800_000],
    ["2days", 172_800_000],
    ["3weeks", 1_814_400_000],
  ])("%s is %d ms", (text, ms) => {
    expect(readDuration(text)).toEqual(Either.right(ms))
  })

  // The first is Mesos's answer to `?timeout=bad` (transcript legacy/busy_metrics_snapshot_timeout_bad).
  it.each([
    ["bad", "Failed to convert '' to number"],
    ["1.2.3secs", "Failed to convert '1.2.3' to number"],
    ["-1secs", "Failed to convert '' to number"],
    ["5", "Invalid duration '5'"],
    ["", "Invalid duration ''"],
    ["5seconds", "Unknown duration unit 'seconds'"],
    ["5toString", "Unknown duration unit 'toString'"],
  ])("%s is none", (text, problem) => {
    expect(readDuration(text)).toEqual(Either.left(problem))
  })
})
