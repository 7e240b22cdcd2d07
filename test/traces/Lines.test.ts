import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createLineSplitter, lineLengthMost } from "../../traces/Lines.ts"

const split = (chunks: ReadonlyArray<string>) => {
  const lines: Array<string> = []
  let total = -1
  const sink = {
    line: (text: string, number: number) => {
      lines.push(`${number} ${text}`)
    },
    end: (count: number) => {
      total = count
    },
  }
  const splitter = createLineSplitter(sink, (line) => {
    throw new Error(`line ${line} is too long`)
  })
  for (const chunk of chunks) splitter.push(Buffer.from(chunk, "latin1"))
  splitter.end()
  return { lines, total }
}

describe("cutting bytes into lines", () => {
  it("gives the same lines wherever the pieces are cut", () => {
    const text = fc
      .array(fc.constantFrom("a", "7", ";", "\n", "\r\n", "é"), { maxLength: 60 })
      .map((parts) => parts.join(""))
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
        const places = [0, ...[...cuts].sort((a, b) => a - b), whole.length]
        const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end))
        expect(split(pieces)).toEqual(split([whole]))
        const expected = whole.split("\n").map((line) => line.replace(/\r$/, ""))
        // A last newline ends a line, it does not begin another.
        if (whole.endsWith("\n") || whole === "") expected.pop()
        expect(split([whole]).lines).toEqual(expected.map((line, index) => `${index + 1} ${line}`))
      }),
    )
  })

  it("keeps its memory bounded when no newline comes", () => {
    expect(() => split(["ok\n", "x".repeat(lineLengthMost), "xx"])).toThrow("line 2 is too long")
  })
})
