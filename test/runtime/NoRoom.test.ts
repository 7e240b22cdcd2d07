import { constants } from "node:os"
import { expect, it } from "vitest"
import { toStoreFailure } from "../../runtime/journal/FileStore.ts"
import { isNoRoom } from "../../runtime/NoRoom.ts"

/** As Node throws it. */
const systemError = (errno: number, code: string) =>
  Object.assign(new Error(`${code}: ${code}, write`), { errno: -errno, code, syscall: "write" })

it("a used up quota, which has no name in Node, is a full disk", () => {
  const quota = systemError(constants.errno.EDQUOT, `Unknown system error -${constants.errno.EDQUOT}`)
  expect(isNoRoom(quota)).toBe(true)
  expect(toStoreFailure(quota)).toEqual({ reason: "DiskFull", detail: "a quota there is used up (EDQUOT)" })
  expect(toStoreFailure(systemError(constants.errno.ENOSPC, "ENOSPC"))).toMatchObject({ reason: "DiskFull" })
  expect(toStoreFailure(systemError(constants.errno.EIO, "EIO"))).toMatchObject({ reason: "InputOutput" })
  expect(isNoRoom(new Error("anything"))).toBe(false)
})
