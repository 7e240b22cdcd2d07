import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compileRegex, type Regex } from "../../../core/allocation/Regex.ts"

const roomy = { patternBytes: 100_000, programSize: 100_000 }

const regex = (text: string, bounds = roomy): Regex => {
  const compiled = compileRegex(text, bounds)
  if (typeof compiled === "string") throw new Error(`${text}: ${compiled}`)
  return compiled
}

const full = (pattern: string, text: string): boolean => regex(pattern).matches(text)

/** Patterns that RE2 and JavaScript write alike, over letters that are few enough to meet often. */
const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
  piece: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("a", "b", "A", "_", "-", "é", "😀", "\\.", "\\n", "\\x41", "[^\\n]"),
    fc.constantFrom("\\d", "\\D", "\\w", "\\W", "[ab]", "[^a]", "[a-c]", "[^\\d]", "[\\w-]", "[\\]é]"),
    fc.constantFrom("\\b", "\\B", "^", "$"),
    tie("pattern").map((inner) => `(${inner})`),
    fc
      .tuple(
        tie("pattern"),
        fc.constantFrom("*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}"),
      )
      .map(([inner, times]) => `(?:${inner})${times}`),
    fc
      .tuple(fc.constantFrom("a", "b", "[ab]"), fc.constantFrom("*", "+", "?", "{0}"))
      .map((two) => two.join("")),
  ),
  pattern: fc
    .array(fc.array(tie("piece"), { maxLength: 4 }), { minLength: 1, maxLength: 3 })
    .map((options) => options.map((pieces) => pieces.join("")).join("|")),
}))

const subject = fc
  .array(fc.constantFrom("a", "b", "c", "A", "1", "_", "-", ".", "\n", " ", "é", "😀"), { maxLength: 8 })
  .map((chars) => chars.join(""))

describe("Regex", () => {
  it("matches what JavaScript's own does", () => {
    let matched = 0
    fc.assert(
      fc.property(pattern, subject, fc.boolean(), (text, whole, ignoreCase) => {
        // JavaScript folds é too, but no subject holds É.
        const own = new RegExp(`^(?:${text})$`, ignoreCase ? "iu" : "u").test(whole)
        expect(regex(ignoreCase ? `(?i)${text}` : text).matches(whole)).toBe(own)
        if (own) matched++
      }),
      { numRuns: 3_000 },
    )
    expect(matched).toBeGreaterThan(100)
  })

  it.each([
    // The classes are ASCII, and \s has no vertical tab.
    ["\\d", "٣", false],
    ["\\w", "é", false],
    ["\\s", "\v", false],
    ["\\s", "\u00a0", false],
    ["[[:space:]]", "\v", true],
    ["\\S", "\v", true],
    // A dot is any character but a newline; $ is the very end.
    [".", "\r", true],
    [".", "\n", false],
    ["(?s).", "\n", true],
    ["(?s:.)", "\n", true],
    ["(?s:.).", "\n\n", false],
    ["a$", "a\n", false],
    ["(?m)a$\nb", "a\nb", true],
    ["a$\nb", "a\nb", false],
    ["(?m)a\n^b", "a\nb", true],
    ["\\Aa\\z", "a", true],
    ["a\\Ab", "ab", false],
    // Flags.
    ["(?i)rack-[a-c]", "RACK-B", true],
    ["(?i)[^a]", "A", false],
    ["a(?i)b", "aB", true],
    ["a(?i)b", "AB", false],
    ["(a(?i)b)c", "aBC", false],
    ["(?i:a)b", "Ab", true],
    ["(?i)a(?-i)b", "AB", false],
    ["(?i)a|b", "B", true],
    ["(?iU-s)a", "A", true],
    ["(?i)k", "\u212a", false],
    ["(?i)[X-c]", "x", true],
    ["(?i)[X-c]", "W", false],
    // Escapes and quotes.
    ["\\Qa.b\\E", "a.b", true],
    ["\\Qa.b\\E", "axb", false],
    ["\\Qab\\E*", "abbb", true],
    ["\\Qab\\E*", "abab", false],
    ["\\Qa*", "a*", true],
    ["\\Q\\Ea", "a", true],
    ["\\x41\\x{1F600}\\101\\0", "A😀A\0", true],
    ["\\a\\f\\t\\n\\r\\v", "\x07\f\t\n\r\v", true],
    ["\\.\\-\\ \\\\", ".- \\", true],
    // Classes.
    ["[]a]+", "]a", true],
    ["[^]a]", "]", false],
    ["[a-]+", "a-", true],
    ["[\\n\\]\\x41-C]+", "\n]ABC", true],
    ["[[:alpha:]_[:digit:]]+", "aZ_9", true],
    ["[[:^alpha:]]", "a", false],
    ["[[:xdigit:]]+", "fF0", true],
    ["[[:punct:]]+", "!/:@[`{~", true],
    ["[[:punct:]]", "a", false],
    ["[[:word:]]", "_", true],
    ["[[]", "[", true],
    ["[\\D]", "5", false],
    ["[😀-😂]", "😁", true],
    // Braces that repeat nothing are meant as they stand.
    ["a{,2}", "a{,2}", true],
    ["a{x", "a{x", true],
    ["{", "{", true],
    ["a{2}", "a", false],
    ["(?P<rack>a)(?<row>b)", "ab", true],
    ["", "", true],
    ["|a", "", true],
    ["(|)*a", "a", true],
    ["()", "", true],
    ["(a{0}|b)c", "c", true],
    ["^*a", "a", true],
  ])("%j on %j: %s", (text, whole, expected) => {
    expect(full(text, whole)).toBe(expected)
  })

  it.each([
    ["a(b", "character 2: this group is not closed"],
    ["a)b", "character 2: this ) closes nothing"],
    ["ab[c", "character 3: this class is not closed"],
    ["[a-", "character 1: this class is not closed"],
    ["a[z-a]", "character 3: z-a is a range from the end to the start"],
    ["*a", "character 1: there is nothing to repeat"],
    ["a|+", "character 3: there is nothing to repeat"],
    ["(?i)*", "character 5: there is nothing to repeat"],
    ["a**", "character 3: a repetition cannot be repeated; group it"],
    ["a{1001}", "character 2: {1001} is no repetition of at most 1000 times"],
    ["a{2,1}", "character 2: {2,1} is no repetition of at most 1000 times"],
    ["(a)\\1", "character 4: back-references are not supported"],
    ["\\pL", "character 1: classes of Unicode are not supported"],
    ["a\\Z", "character 2: \\Z is not supported"],
    ["\\é", "character 1: \\é is not supported"],
    ["[\\b]", "character 2: \\b is not supported"],
    ["a\\", "character 2: a \\ at the end escapes nothing"],
    ["\\x{110000}", "character 1: there is no character \\x{110000}"],
    ["(?=a)b", "character 1: groups of this kind are not supported"],
    ["a(?<!b)", "character 2: groups of this kind are not supported"],
    ["(?P<n>a)(?P<n>b)", "character 9: there are two groups n"],
    ["[[:foo:]]", "character 2: there is no class [:foo:]"],
    [`${"(".repeat(101)}${")".repeat(101)}`, "character 101: groups are nested deeper than 100"],
  ])("refuses %j: %s", (text, problem) => {
    expect(compileRegex(text, roomy)).toBe(problem)
  })

  it("keeps to its bounds", () => {
    const bounds = { patternBytes: 12, programSize: 10 }
    expect(regex("a{9}", bounds).programSize).toBe(10)
    expect(regex("(a|b)*c", bounds).programSize).toBe(8)
    expect(compileRegex("a{10}", bounds)).toBe("it needs more than the 10 instructions allowed")
    expect(compileRegex("[é😀][é😀]", bounds)).toBe("16 bytes are more than the 12 allowed")
    expect(typeof compileRegex("[é😀][ab]", bounds)).toBe("object")
  })

  it("says soon that a small text would make a large program", () => {
    const bounds = { patternBytes: 4096, programSize: 100 }
    const tooLarge = "it needs more than the 100 instructions allowed"
    expect(compileRegex("((((((a{1000}){1000}){1000}){1000}){1000}){1000})", bounds)).toBe(tooLarge)
    expect(compileRegex("(((((|){1000}){1000}){1000}){1000}){1000}", bounds)).toBe(tooLarge)
    expect(compileRegex(`${"(".repeat(90)}a${"{9})".repeat(90)}`, bounds)).toBe(tooLarge)
    // Repeated nothing is nothing, however often.
    expect(regex("(((((){1000}){1000}){1000}){1000}){1000}", bounds).programSize).toBe(1)
  })

  it("is not stalled by what stalls others", () => {
    const whole = "a".repeat(20_000)
    expect(full("(a*)*b", whole)).toBe(false)
    expect(full("(a|a)*b", whole)).toBe(false)
    expect(full("(a?){30}a{30}", "a".repeat(30))).toBe(true)
  })
})
