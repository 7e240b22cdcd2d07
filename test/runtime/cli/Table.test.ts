import { describe, expect, it } from "vitest"
import { renderTable } from "../../../runtime/cli/Table.ts"

describe("a table", () => {
  it("aligns words left and numbers right, below a rule, without trailing blanks", () => {
    const columns = [
      { title: "name", align: "left" },
      { title: "n", align: "right" },
      { title: "note", align: "left" },
    ] as const
    expect(
      renderTable(columns, [
        ["a", "1", "x"],
        ["longer", "1,000", ""],
      ]).split("\n"),
    ).toEqual(["name        n  note", "──────  ─────  ────", "a           1  x", "longer  1,000"])
  })

  it("is header and rule when there are no rows", () => {
    expect(renderTable([{ title: "id", align: "left" }], [])).toBe("id\n──")
  })
})
