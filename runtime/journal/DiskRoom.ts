import { closeSync, fsyncSync, openSync, writeSync } from "node:fs"
import { isNoRoom } from "../NoRoom.ts"
import { removeQuietly } from "./DatabaseCopy.ts"

// SQLite knows one error of a full disk, ENOSPC. A quota that is used up (EDQUOT) is to it any error of writing, and which one it was
// it does not say. So where it could not write, this tries whether anybody could.

/** More than what a single write takes, so that a rest which was too small for that one is too small for this, too. */
const probeBytes = 1024 * 1024

/** Whether a file system refuses to keep more beside `path`, because it is full or a quota is used up. */
export const isWithoutRoom = (path: string): boolean => {
  const probe = `${path}.${process.pid}.probe`
  try {
    const file = openSync(probe, "w", 0o600)
    try {
      const bytes = Buffer.alloc(probeBytes)
      for (let done = 0; done < probeBytes; ) done += writeSync(file, bytes, done)
      // Some file systems find out only now.
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return false
  } catch (error) {
    return isNoRoom(error)
  } finally {
    removeQuietly(probe)
  }
}
