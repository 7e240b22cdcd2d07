import { Effect } from "effect"
import { expect, it } from "vitest"
import { type ResolveOptions, resolveTaskUser } from "../../../runtime/agent/TaskUser.ts"

const passwd =
  "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\nbroken line\n\n+::::::\nann:x:1001:1002::/home/ann:/bin/sh\n"
const asRoot = { passwd, own: { uid: 0, gid: 0 } }
const asAnn = { passwd, own: { uid: 1001, gid: 1002 } }
const resolve = (name: string | undefined, options: ResolveOptions) =>
  Effect.runSync(Effect.merge(resolveTaskUser(name, options)))

it("resolves names, numbers and the default", () => {
  const ann = { name: "ann", uid: 1001, gid: 1002 }
  expect(resolve(undefined, asRoot)).toEqual({ name: "nobody", uid: 65534, gid: 65533 })
  expect(resolve("ann", asRoot)).toEqual(ann)
  expect(resolve("1001", asRoot)).toEqual(ann)
  expect(resolve("1001:7", asRoot)).toEqual({ ...ann, gid: 7 })
  expect(resolve("4711", asRoot)).toEqual({ name: "4711", uid: 4711, gid: 4711 })
  expect(resolve(undefined, asAnn)).toEqual(ann)
})

it("refuses with a remedy what it cannot or must not do", () => {
  expect(resolve("bob", asRoot)).toMatchObject({
    _tag: "TaskUserNotFound",
    message: expect.stringContaining("/etc/passwd"),
  })
  expect(resolve("+", asRoot)).toMatchObject({ _tag: "TaskUserNotFound" })
  expect(resolve("nobody", asAnn)).toMatchObject({
    _tag: "TaskUserForbidden",
    message: expect.stringContaining("not root"),
  })
  for (const name of ["root", "0", "0:5"])
    expect(resolve(name, asRoot)).toMatchObject({ _tag: "TaskUserForbidden" })
  expect(resolve("root", { ...asRoot, allowRoot: true })).toMatchObject({ uid: 0 })
})
