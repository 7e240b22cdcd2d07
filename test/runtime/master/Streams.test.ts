import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { makeStreams } from "../../../runtime/master/Streams.ts"

const stream = () => {
  const told: Array<string> = []
  return {
    told,
    send: (json: string) => told.push(json),
    end: () => told.push("end"),
  }
}

describe("open streams", () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it("get what is sent to them, and nobody gets the rest", () => {
    const streams = makeStreams()
    const a = stream()
    streams.open("a", a)
    streams.send("a", { n: 1 })
    streams.send("b", { n: 2 })
    streams.end("b")
    streams.forget("a")
    streams.send("a", { n: 3 })
    streams.end("a")
    expect(a.told).toEqual(['{"n":1}'])
  })

  it("repeat a record until they end", () => {
    const streams = makeStreams()
    const a = stream()
    streams.open("a", a)
    streams.repeat("a", { beat: 1 }, 100)
    expect(a.told).toHaveLength(1)
    vi.advanceTimersByTime(250)
    expect(a.told).toHaveLength(3)
    streams.end("a")
    vi.advanceTimersByTime(1_000)
    expect(a.told.slice(3)).toEqual(["end"])
    expect(vi.getTimerCount()).toBe(0)
  })

  it("repeat one record at a time, none for a stream that is gone, and stop when the peer leaves", () => {
    const streams = makeStreams()
    streams.repeat("gone", {}, 100)
    streams.open("a", stream())
    streams.repeat("a", {}, 100)
    streams.repeat("a", {}, 100)
    expect(vi.getTimerCount()).toBe(1)
    streams.forget("a")
    expect(vi.getTimerCount()).toBe(0)
  })

  it("end all at once", () => {
    const streams = makeStreams()
    const [a, b] = [stream(), stream()]
    streams.open("a", a)
    streams.open("b", b)
    streams.repeat("b", {}, 100)
    streams.endAll()
    streams.endAll()
    expect([a.told, b.told]).toEqual([["end"], ["{}", "end"]])
    expect(vi.getTimerCount()).toBe(0)
  })
})
