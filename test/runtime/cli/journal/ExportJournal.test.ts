import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeEach, describe, expect, it } from "vitest"
import { exportJournal } from "../../../../runtime/cli/journal/ExportJournal.ts"
import { openSqliteStore, type SqliteStore } from "../../../../runtime/journal/SqliteStore.ts"
import { batch, eventOf } from "../../journal/JournalFixture.ts"
import { encoded } from "../../journal/StoredBatches.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-export-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let path = ""
let out = ""
let places = 0
beforeEach(() => {
  path = join(folder, `${++places}.db`)
  out = join(folder, `${places}.jsonl`)
})

const append = (store: SqliteStore, batches: number) => {
  const events = Array.from({ length: 100 }, (_, index) => eventOf(index))
  for (let number = 0; number < batches; number++) store.append([encoded(batch({ events }))])
}
const exported = () =>
  readFileSync(out, "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly seq: number }).seq)

describe("the export of a log that is trimmed meanwhile", () => {
  const wish = { from: undefined, to: undefined, isRows: false }

  it.each([
    ["of all of it", {}],
    ["of a part that ends before what is left", { from: 1, to: 4_500 }],
  ])("ends with which events are missing, and leaves no gap: %s", async (_, part) => {
    const store = openSqliteStore({ path, keepEvents: 3_000, keepSize: 1e9 })
    append(store, 50)
    const { length: oldest } = store.events(0, 10_000)
    expect(oldest).toBeGreaterThan(0)
    let isTrimmed = false
    const first = store.events(0, 1)[0] as number
    const from = "from" in part ? { ...part, from: first } : {}
    const exporting = exportJournal({ ...wish, ...from, path, out }, () => {
      // A busy master, while a page of it is on its way.
      if (!isTrimmed) append(store, 100)
      isTrimmed = true
    })
    await expect(exporting).rejects.toThrow(
      /^events \d+ to \d+ were trimmed off the log while it was being exported; .* `gleaner journal backup` makes$/,
    )
    const seqs = exported()
    expect(seqs).toEqual(seqs.map((_seq, index) => first + index))
    store.close()
  })

  it("is all of what is left where nothing is missing", async () => {
    const store = openSqliteStore({ path, keepEvents: 3_000, keepSize: 1e9 })
    append(store, 60)
    const first = store.events(0, 1)[0] as number
    await exportJournal({ ...wish, path, out }, () => {})
    expect([exported()[0], exported().at(-1)]).toEqual([first, 6_000])
    store.close()
  })
})
