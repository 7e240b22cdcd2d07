import { createRequire } from "node:module"
import { join } from "node:path"
import { createContext, runInContext } from "node:vm"
import { build } from "esbuild"
import { beforeAll, describe, expect, it } from "vitest"
import { root } from "../../../structure/SourceFiles.ts"

// The prelude in a realm from which all that it brings has been taken away, against what this Node has of its own.

let prelude = ""
beforeAll(async () => {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [join("runtime/cli/legacy/Prelude.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "iife",
    target: "node10.24",
  })
  prelude = outputFiles[0]!.text
})

const takenAway = `
  for (const name of ["flat", "flatMap", "at"]) delete Array.prototype[name]
  for (const name of ["at", "matchAll", "replaceAll"]) delete String.prototype[name]
  delete Object.getPrototypeOf(Uint8Array.prototype).at
  delete Object.fromEntries; delete Object.hasOwn; delete Promise.allSettled; delete globalThis.queueMicrotask`

const oldRealm = () => {
  const realm = createContext({ require: createRequire(import.meta.url), setTimeout })
  runInContext(`${takenAway}\nvar global = this`, realm)
  return realm
}
const inOld = (code: string): unknown => {
  const realm = oldRealm()
  expect(() => runInContext(`[].flat()`, realm)).toThrow()
  runInContext(prelude, realm)
  return runInContext(`JSON.stringify(${code})`, realm)
}
const here = (code: string): unknown => runInContext(`JSON.stringify(${code})`, createContext({}))

describe("the prelude", () => {
  it.each([
    "[1, [2, [3, [4]]], , 5].flat()",
    "[1, [2, [3, [4]]]].flat(2)",
    "[1, [2, [3, [[4]]]]].flat(Infinity)",
    "[[1, 2], [3]].flatMap((x) => [x, [x.length]])",
    "[1, 2, 3].at(-1) + [1, 2].at(0) + [7].at()",
    "[[1].at(5) === undefined, 'abc'.at(-2), Float64Array.of(1, 2).at(-1)]",
    "Object.fromEntries([['a', 1], ['b', 2], ['a', 3]])",
    "Object.fromEntries(new Map([['__proto__', 1]])).__proto__",
    "[Object.hasOwn({ a: 1 }, 'a'), Object.hasOwn({}, 'toString')]",
    "Array.from('a1b22'.matchAll(/[a-z](\\d+)/g), (m) => [m[0], m[1], m.index])",
    "Array.from('aXb'.matchAll(/x*/gi), (m) => m.index)",
    "'a.b.c'.replaceAll('.', '+')",
    "'a.b'.replaceAll('.', '$&$&')",
    "'aaa'.replaceAll('a', (m, at) => at)",
    "'aXbx'.replaceAll(/x/gi, '-')",
    "'abc'.replaceAll('', '-')",
  ])("does as today's language: %s", (code) => {
    expect(inOld(code)).toBe(here(code))
  })

  it("settles promises, and runs what is queued before timers", async () => {
    const realm = oldRealm()
    runInContext(prelude, realm)
    const settled = "Promise.allSettled([1, Promise.reject('no'), Promise.resolve(2)])"
    expect(await runInContext(settled, realm)).toEqual([
      { status: "fulfilled", value: 1 },
      { status: "rejected", reason: "no" },
      { status: "fulfilled", value: 2 },
    ])
    const order = `new Promise((resolve) => { const seen = []
      setTimeout(() => resolve(seen), 0); queueMicrotask(() => seen.push("queued")); seen.push("now") })`
    expect(await runInContext(order, realm)).toEqual(["now", "queued"])
  })

  it("tells of an abort once, and remembers it", () => {
    const code = `(() => { const seen = []; const { signal } = globalThis.c = new AbortController()
      signal.addEventListener("abort", (event) => seen.push(event.type), { once: true })
      const off = () => seen.push("off"); signal.addEventListener("abort", off); signal.removeEventListener("abort", off)
      signal.onabort = () => seen.push("on"); c.abort("why"); c.abort("again")
      return [seen, signal.aborted, signal.reason] })()`
    expect(inOld(code)).toBe(`[["on","abort"],true,"why"]`)
  })

  it("hides nothing: what it brings is not enumerated", () => {
    expect(inOld("(() => { const seen = []; for (const key in [1]) seen.push(key); return seen })()")).toBe(
      `["0"]`,
    )
  })
})
