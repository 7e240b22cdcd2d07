import { describe, expect, it } from "vitest"
import { roleProblem } from "../../../core/resources/RoleName.ts"

describe("a role's name", () => {
  it.each(["a", "eng/dev", "a.b", "a-b", "ünï", "a/b/c/d"])("may be %s", (role) => {
    expect(roleProblem(role)).toBeNull()
  })

  it.each([
    ["", "an empty text is no role"],
    ["*", "* stands for everybody"],
    ["/a", "starts, ends or doubles a slash"],
    ["a/", "starts, ends or doubles a slash"],
    ["a//b", "starts, ends or doubles a slash"],
    ["a/.", "has a component '.'"],
    ["../a", "has a component '..'"],
    ["a/*", "has a component '*'"],
    ["a/-b", "begins with a dash"],
    ["a b", "whitespace or control characters"],
    ["a\u0008", "whitespace or control characters"],
  ])("may not be '%s'", (role, reason) => {
    expect(roleProblem(role)).toContain(reason)
  })
})
