import { describe, expect, it } from "vitest"
import { createProgress } from "../../../runtime/cli/Progress.ts"

const record = (isTTY: boolean) => {
  const written: Array<string> = []
  let nowMs = 0
  const stream = { isTTY, columns: 20, write: (text: string) => written.push(text) }
  const progress = createProgress(stream, () => nowMs)
  return {
    written,
    showAt: (ms: number, text: string) => {
      nowMs = ms
      progress.show(text)
    },
    clear: progress.clear,
  }
}

const erase = "\r\u001b[2K"

describe("progress", () => {
  it("is one live line on a terminal, not faster than the eye, cut to its width, and gone at the end", () => {
    const { written, showAt, clear } = record(true)
    showAt(0, "one")
    showAt(10, "too soon")
    showAt(100, "a line longer than the terminal")
    clear()
    clear()
    expect(written).toEqual([`${erase}one`, `${erase}a line longer than `, erase])
  })

  it("is a plain line every few seconds elsewhere, and nothing for a quick command", () => {
    const { written, showAt, clear } = record(false)
    showAt(0, "start")
    showAt(4999, "soon")
    showAt(5000, "first")
    showAt(6000, "again")
    showAt(10_000, "second")
    clear()
    expect(written).toEqual(["first\n", "second\n"])
  })
})
