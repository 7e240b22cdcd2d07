import { describe, expect, it } from "vitest"
import { createLiveBlock } from "../../../../runtime/cli/up/LiveBlock.ts"

const stream = (isTTY: boolean, columns: number) => {
  const written: Array<string> = []
  const block = createLiveBlock({
    isTTY,
    columns,
    write: (text: string | Uint8Array) => written.push(String(text)) > 0,
  })
  return { written, block }
}

describe("what changes while people look", () => {
  it("replaces itself on a terminal, cut to its width, and ends once", () => {
    const { written, block } = stream(true, 10)
    block.show(["short"], "-", 0)
    block.show(["0123456789", "two"], "-", 1)
    block.show(["one"], "-", 2)
    block.end()
    block.end()
    expect(written).toEqual(["short", "\r\u001b[J01234567…\ntwo", "\r\u001b[A\u001b[Jone", "\n"])
  })

  it("stays below what is said for good", () => {
    const { written, block } = stream(true, 80)
    block.say("first")
    block.show(["a", "b"], "-", 0)
    block.say("second")
    expect(written.slice(2)).toEqual(["\r\u001b[A\u001b[Jsecond\na\nb"])
  })

  it("is written elsewhere only when it changes, and not too often", () => {
    const { written, block } = stream(false, 10)
    for (const [line, nowMs] of [
      ["one", 0],
      ["two", 1_000],
      ["three", 4_999],
      ["three", 5_000],
      ["three", 20_000],
      ["four", 21_000],
    ] as const) {
      block.show(["block"], line, nowMs)
    }
    block.say("said")
    block.end()
    expect(written).toEqual(["one\n", "three\n", "four\n", "said\n"])
  })
})
