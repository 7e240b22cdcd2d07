import { describe, expect, it } from "vitest"
import { spreadVariadicOptions } from "../../../../runtime/cli/evaluate/VariadicOptions.ts"

const spread = (line: string) => spreadVariadicOptions(line.split(" "), ["--trace", "--policy"]).join(" ")

describe("options with several values", () => {
  it("are repeated for each value, up to the next option", () => {
    expect(spread("node gleaner evaluate --trace a b c --json --policy x y")).toBe(
      "node gleaner evaluate --trace a --trace b --trace c --json --policy x --policy y",
    )
    expect(spread("--trace=a b --trace c")).toBe("--trace=a --trace b --trace c")
  })

  it("leave everything else alone, and all that follows --", () => {
    for (const line of [
      "evaluate --trace a",
      "run -- sh --trace a b",
      "run --cpus 1 -- --policy a b",
      "--horizon 1h x",
      "--trace",
      "--tracer a b",
    ])
      expect(spread(line)).toBe(line)
  })
})
