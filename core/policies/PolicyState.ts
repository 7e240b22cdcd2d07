import { assert } from "../Assert.ts"
import { missing, type PolicySnapshot } from "./Policy.ts"

/** Copies the arrays of a policy's state into plain data. */
export const snapshotState = (
  kind: string,
  hosts: number,
  position: number,
  arrays: ReadonlyArray<Float64Array>,
): PolicySnapshot => ({
  kind,
  hosts,
  position,
  arrays: arrays.map((array) => {
    const copy: Array<number> = []
    for (let index = 0; index < array.length; index++) copy.push(array[index]!)
    return copy
  }),
})

/** Copies a snapshot back into the arrays it came from and returns the position. */
export const restoreState = (
  kind: string,
  hosts: number,
  arrays: ReadonlyArray<Float64Array>,
  snapshot: PolicySnapshot,
): number => {
  assert(snapshot.kind === kind, `a snapshot of ${snapshot.kind} cannot restore ${kind}`)
  assert(snapshot.hosts === hosts, `a snapshot of ${snapshot.hosts} hosts cannot restore ${hosts}`)
  assert(
    snapshot.arrays.length === arrays.length,
    `${kind}: ${snapshot.arrays.length} arrays in the snapshot`,
  )
  for (let index = 0; index < arrays.length; index++) {
    const from = snapshot.arrays[index]!
    const to = arrays[index]!
    assert(from.length === to.length, `${kind}: the snapshot was taken with other parameters`)
    to.set(from)
  }
  return snapshot.position
}

/** A fresh array in which every sample is missing. */
export const allMissing = (length: number): Float64Array => new Float64Array(length).fill(missing)

/** A fresh array of reserves of hosts that have not been seen: everything is reserved. */
export const allReserved = (hosts: number): Float64Array => new Float64Array(hosts).fill(1)
