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
  expect(resolve("1001:1002", asRoot)).toEqual(ann)
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

it("lets no task choose a group that is not its account's own, nor a user without an account", () => {
  const accounts = "nobody:x:65534:65534:::\nsync:x:4:0:::\nann:x:1001:1002:::\nann2:x:1001:1003:::\n"
  const options = { passwd: accounts, own: { uid: 0, gid: 0 } }
  for (const name of ["65534:6", "65534:0", ":0", "sync", "4", "4:0", "4711", "4711:4711", "1001:65534"])
    expect(resolve(name, options), name).toMatchObject({
      _tag: name === ":0" ? "TaskUserNotFound" : "TaskUserForbidden",
      message: expect.stringContaining(name === ":0" ? "--task-user" : "--allow-root-tasks"),
    })
  expect(resolve("1001:1003", options)).toMatchObject({ uid: 1001, gid: 1003 })
  const permissive = { ...options, allowRoot: true }
  expect(resolve("65534:6", permissive)).toEqual({ name: "nobody", uid: 65534, gid: 6 })
  expect(resolve("4711", permissive)).toEqual({ name: "4711", uid: 4711, gid: 4711 })
})

it("trusts whoever runs the agent with numbers, but not with root or its group", () => {
  const chosen = { ...asRoot, isOperatorsChoice: true }
  expect(resolve("4711:815", chosen)).toEqual({ name: "4711:815", uid: 4711, gid: 815 })
  for (const name of ["0:5", "4711:0"])
    expect(resolve(name, chosen)).toMatchObject({ _tag: "TaskUserForbidden" })
})

it("runs tasks as itself where it is not root, account or not, and in no other group", () => {
  const own = { uid: 4711, gid: 0 }
  expect(resolve(undefined, { passwd, own })).toEqual({ name: "4711:0", ...own })
  expect(resolve("1001:7", asAnn)).toMatchObject({
    _tag: "TaskUserForbidden",
    message: expect.stringContaining("1001:1002"),
  })
})
