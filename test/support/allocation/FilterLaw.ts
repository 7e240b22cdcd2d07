import type { AllocationScope, AllocatorAgent } from "../../../core/allocation/Allocator.ts"
import { containsResources, type Resources, resourcesToText } from "../../../core/resources/Resources.ts"
import type { Command } from "./Command.ts"
import type { Watch } from "./Story.ts"
import type { Refused, World } from "./World.ts"

/** What a client does not want to see: certainly until the one time, certainly not after the other. */
export interface Refusing {
  readonly scope: AllocationScope
  readonly resources: Resources
  /** For as long as it asked. */
  readonly surelyUntilMs: number
  /** With the most that back-off can add. */
  readonly atMostUntilMs: number
}

/** A small model of what is refused, which knows nothing of how it is stored, nor what back-off exactly adds. */
export class Refusals {
  list: ReadonlyArray<Refusing> = []
  private looks = new Map<string, string>()
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  /** To be called after each command. */
  follow(command: Command): void {
    const { world } = this
    if (command.type === "revive") {
      this.keep(({ scope }) => {
        const isMeant = command.roles === null || command.roles.includes(scope.role)
        return scope.frameworkId !== command.framework || !isMeant
      })
    }
    if (command.type === "wake") this.endBackoff(command.framework)
    if (command.type === "end" && command.wakes && world.woken !== null) this.endBackoff(world.woken)
    const looks = new Map(Array.from(world.agents.values(), (agent) => [agent.agentId, looksOf(agent)]))
    this.keep(({ scope }) => {
      const framework = world.frameworks.get(scope.frameworkId)
      const isThere = framework?.isActive === true && framework.roles.includes(scope.role)
      return isThere && looks.has(scope.agentId) && looks.get(scope.agentId) === this.looks.get(scope.agentId)
    })
    this.looks = looks
    this.list = [...this.list, ...world.refused.flatMap((refused) => this.refusingOf(refused))]
  }

  private refusingOf({ scope, resources, refusal }: Refused): ReadonlyArray<Refusing> {
    const { settings } = this.world
    const { refuseMs, nowMs, isDecline } = refusal
    const isSaid = refuseMs !== null && refuseMs >= 0
    if (refuseMs === 0 && settings.canRefuseForZero) return []
    const asked = isSaid
      ? Math.min(Math.max(refuseMs, settings.refuseMsMin), settings.refuseMsMax)
      : settings.refuseMsDefault
    const most = isDecline ? Math.max(asked, settings.backoffMsMax ?? 0) : asked
    return [{ scope, resources, surelyUntilMs: nowMs + asked, atMostUntilMs: nowMs + most }]
  }

  private endBackoff(frameworkId: string): void {
    this.list = this.list.map((refusing) =>
      refusing.scope.frameworkId === frameworkId
        ? { ...refusing, atMostUntilMs: refusing.surelyUntilMs }
        : refusing,
    )
  }

  private keep(isKept: (refusing: Refusing) => boolean): void {
    this.list = this.list.filter(isKept)
  }

  /** Refusals of this client on this host. */
  of({ frameworkId, role, agentId }: AllocationScope): ReadonlyArray<Refusing> {
    return this.list.filter(
      ({ scope }) => scope.frameworkId === frameworkId && scope.role === role && scope.agentId === agentId,
    )
  }
}

const looksOf = ({ attributes, capabilities, region, zone }: AllocatorAgent): string =>
  JSON.stringify([attributes, capabilities, region, zone])

/**
 * Filters are neither lost nor immortal: nothing is offered to who refused it and more as long as he asked for, whatever else
 * happens; and when the last refusal is over, back-off included, no filter is left.
 */
export const filtersHold: Watch = (world) => {
  const refusals = new Refusals(world)
  return (command) => {
    refusals.follow(command)
    const { nowMs } = world
    for (const offer of world.made) {
      const early = refusals
        .of(offer)
        .find(
          ({ resources, surelyUntilMs }) =>
            surelyUntilMs > nowMs && containsResources(resources, offer.resources),
        )
      if (early !== undefined) {
        throw new Error(
          `broken: filter lost: ${resourcesToText(early.resources)} of ${offer.agentId} was refused by ${offer.frameworkId} as ${offer.role} until ${early.surelyUntilMs}`,
        )
      }
    }
    const nextMs = world.allocator.nextExpiryMs()
    const surely = refusals.list.some(({ surelyUntilMs }) => surelyUntilMs > nowMs)
    const lastMs = Math.max(-1, ...refusals.list.map(({ atMostUntilMs }) => atMostUntilMs))
    if (nextMs === null && surely) throw new Error("broken: filter lost: no expiry is awaited")
    if (nextMs !== null && nextMs > lastMs) {
      throw new Error(`broken: immortal filter: it expires at ${nextMs}, the last refusal ends at ${lastMs}`)
    }
    if (command.type === "cycle" && nextMs !== null && nextMs <= nowMs) {
      throw new Error(`broken: immortal filter: it expired at ${nextMs} and is still there`)
    }
  }
}
