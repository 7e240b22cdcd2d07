import { closeSync, openSync, unlinkSync } from "node:fs"
import { acquireProcessLock } from "../../runtime/ProcessLock.ts"

// A process of its own for ProcessLock.test.ts: takes the lock again and again among others, leaves a mark while it has
// it, and dies with or without it. A mark that is there already is another holder's.

const [path, rounds, seed] = process.argv.slice(2) as [string, string, string]
const mark = `${path}.mark`

const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

for (let round = 0; round < Number(rounds); ) {
  const lock = acquireProcessLock(path)
  if ("holderPid" in lock) {
    pause(1)
    continue
  }
  round++
  closeSync(openSync(mark, "wx"))
  pause((round * Number(seed)) % 3)
  unlinkSync(mark)
  // Somebody who dies holding it, as most holders do.
  if (round === Number(rounds)) process.kill(process.pid, "SIGKILL")
  lock.release()
}
