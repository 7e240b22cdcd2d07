import { assert } from "../../Assert.ts"
import { resourcesBeyond } from "../../resources/Difference.ts"
import {
  addResources,
  containsResources,
  isNoResources,
  noResources,
  pickResources,
  type Resources,
  subtractResources,
} from "../../resources/Resources.ts"

const noExcess: ReadonlyArray<Resources> = []

/**
 * The books of what hosts have besides plain scalars: ports, reservations, volumes. By slot; each state is immutable
 * resources. Shared ones are always available, who holds copies of them is in `SharedBook`.
 */
export class HostRests {
  readonly available: Array<Resources> = []
  readonly total: Array<Resources> = []
  /** Held beyond the total, holder by holder: of an agent that came back smaller than what it runs, or says that two tasks have
   * the same port. */
  private readonly excess: Array<ReadonlyArray<Resources>> = []

  init(slot: number): void {
    this.available[slot] = noResources
    this.total[slot] = noResources
    this.excess[slot] = noExcess
  }

  /** What is held stays held, whether or not it still fits. */
  setTotal(slot: number, total: Resources): void {
    const pieces = [this.heldWithinTotal(slot), ...this.excess[slot]!]
    this.total[slot] = total
    this.available[slot] = total
    this.excess[slot] = noExcess
    for (const piece of pieces) this.takeAnyway(slot, piece)
  }

  /** Takes all but what is shared. */
  takeAll(slot: number): void {
    this.available[slot] = noResources
  }

  /** Takes what is available. */
  take(slot: number, rest: Resources): void {
    this.available[slot] = subtractResources(this.available[slot]!, withoutShared(rest))
  }

  /** Takes what is held already, available or not. */
  takeAnyway(slot: number, rest: Resources): void {
    const taken = withoutShared(rest)
    const available = this.available[slot]!
    const excess = resourcesBeyond(taken, available)
    this.available[slot] = resourcesBeyond(available, taken)
    if (!isNoResources(excess)) this.excess[slot] = this.excess[slot]!.concat([excess])
  }

  /** What comes back ends an excess first. */
  giveBack(slot: number, rest: Resources, agentId: string): void {
    let free = withoutShared(rest)
    const excess: Array<Resources> = []
    for (const piece of this.excess[slot]!) {
      const left = resourcesBeyond(piece, free)
      free = resourcesBeyond(free, piece)
      if (!isNoResources(left)) excess.push(left)
    }
    this.excess[slot] = excess.length === 0 ? noExcess : excess
    this.available[slot] = addResources(this.available[slot]!, free)
    assert(
      containsResources(this.total[slot]!, this.available[slot]!),
      () => `agent ${agentId} got back more than was held of it`,
    )
  }

  /** Without shared resources. */
  heldOn(slot: number): Resources {
    return this.excess[slot]!.reduce(addResources, this.heldWithinTotal(slot))
  }

  private heldWithinTotal(slot: number): Resources {
    return withoutShared(subtractResources(this.total[slot]!, this.available[slot]!))
  }
}

const withoutShared = (resources: Resources): Resources =>
  pickResources(resources, ({ kind }) => !kind.shared)
