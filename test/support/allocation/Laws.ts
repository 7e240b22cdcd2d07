import {
  amountOf,
  type Quantities,
  sameQuantities,
  toQuantities,
} from "../../../core/resources/Quantities.ts"
import { intersectRanges } from "../../../core/resources/Ranges.ts"
import { isIndivisible, isPlain, isUnreserved, type Resource } from "../../../core/resources/Resource.ts"
import {
  addResources,
  containsResources,
  noResources,
  pickResources,
  plainQuantities,
  quantitiesToResources,
  type Resources,
  resourcesToText,
  toResources,
} from "../../../core/resources/Resources.ts"
import { standingOf } from "./QuotaLaw.ts"
import type { Watch } from "./Story.ts"
import type { Held, World } from "./World.ts"

// Laws of the books, checked against what a master would know itself: the lists of a `World`. Nothing here asks how an allocator
// comes to its decisions.

const insist = (holds: boolean, law: string): void => {
  if (!holds) throw new Error(`broken: ${law}`)
}

const sumOf = (list: ReadonlyArray<Held>): Resources =>
  list.map(({ resources }) => resources).reduce(addResources, noResources)

const textOf = (resources: Resources): string => resourcesToText(resources)

/** What the allocator says is held is what the master knows to be held, on each host. */
export const booksAgree: Watch = (world) => () => {
  for (const agentId of world.agents.keys()) {
    const ours = textOf(sumOf(world.holdingsOn(agentId)))
    const theirs = textOf(world.allocator.allocatedOn(agentId))
    insist(ours === theirs, `books of ${agentId}: held are ${ours}, not ${theirs}`)
  }
}

/**
 * L1: what is offered nobody else has, and no reserve. Counted after the cycle: of each kind of resource that was offered of a host,
 * all holders together have no more than there is, less the reserve, and nobody has the same ports, items or volumes. (Of other
 * kinds a host that came back smaller may lack some, and two tasks may claim the same port of it: nothing of those is offered.)
 */
export const neverLentTwice: Watch = (world) => () => {
  for (const allocation of world.made) {
    const { agentId, resources } = allocation
    const agent = world.agents.get(agentId)!
    insist(agent.isActive, `L1: ${agentId} is not active`)
    const offered = world.made
      .filter((other) => other.agentId === agentId)
      .flatMap((other) => other.resources)
    const others = world.holdingsOn(agentId).filter((held) => held.resources !== resources)
    for (const { kind, value } of resources) {
      const ofKind = (list: Resources) => list.filter((other) => other.kind.key === kind.key)
      const place = `L1: ${kind.key} of ${agentId}`
      if (kind.shared) {
        insist(ofKind(agent.total).length > 0, `${place} is not there to be shared`)
        insist(ofKind(offered).length === 1, `${place}, shared, is offered twice in one cycle`)
        continue
      }
      const theirs = ofKind(others.flatMap((held) => held.resources))
      const reserve = isPlain(kind) ? agent.reserve : {}
      insist(fits({ kind, value }, theirs, ofKind(agent.total), reserve), `${place} is lent twice`)
    }
  }
}

/** Whether what others have of a kind leaves so much of the total, the reserve apart. */
const fits = (own: Resource, theirs: Resources, total: Resources, reserve: Quantities): boolean => {
  if (own.kind.type !== "scalar") {
    return containsResources(total, [own]) && !theirs.some((other) => isOverlap(own, other))
  }
  if (isIndivisible(own.kind)) return containsResources(total, toResources([own, ...theirs]))
  const sum = (list: Resources) => list.reduce((milli, { value }) => milli + (value as number), 0)
  return sum([own, ...theirs]) + amountOf(reserve, own.kind.name) <= sum(total)
}

const isOverlap = (left: Resource, right: Resource): boolean => {
  if (left.kind.type === "set") {
    const items = right.value as ReadonlyArray<string>
    return (left.value as ReadonlyArray<string>).some((item) => items.includes(item))
  }
  return intersectRanges(left.value as ReadonlyArray<number>, right.value as ReadonlyArray<number>).length > 0
}

/** Rows that are stored as they change are the rows of a snapshot, so that a master which dies at any moment finds all of them. */
export const rowsFollow: Watch = (world) => {
  const stored = new Map<string, string>()
  return () => {
    const { allocator } = world
    for (const ref of allocator.takeChanged()) {
      const value = allocator.row(ref)
      const name = `${ref.kind} ${ref.key}`
      if (value === undefined) stored.delete(name)
      else stored.set(name, JSON.stringify(value))
    }
    const inStore = Array.from(stored, ([name, value]) => `${name} ${value}`).sort()
    const now = allocator.snapshot().map(({ kind, key, value }) => `${kind} ${key} ${JSON.stringify(value)}`)
    const missing = now.filter((row) => !inStore.includes(row))
    const stale = inStore.filter((row) => !now.includes(row))
    insist(missing.length === 0, `rows: never told of ${missing.join(", ")}`)
    insist(stale.length === 0, `rows: never told that this is gone: ${stale.join(", ")}`)
    // A restart reads the rows; what it changes is told again by nobody.
  }
}

/**
 * A cycle leaves nothing that anybody would take: an immediate second one, over all hosts, makes no offers. Asked of a copy. With two
 * exceptions. What is shared is offered once in a cycle, and again in the next. And a cycle that serves a guarantee by a disk that
 * cannot be divided may serve more of it than was open, so that less is to be kept free than before.
 */
export const nothingIsLeftOver: Watch = (world) => {
  let requiredBefore = standingOf(world).required
  return (command) => {
    const { required } = standingOf(world)
    const hasServed = !sameQuantities(required, requiredBefore)
    requiredBefore = required
    if (command.type !== "cycle") return
    const kinds = Array.from(world.agents.values()).flatMap(({ total }) => total.map(({ kind }) => kind))
    const hasDisks = kinds.some((kind) => isIndivisible(kind) && isUnreserved(kind))
    if (kinds.some(({ shared }) => shared) || (hasServed && hasDisks)) return
    const more = world.copy().allocate(world.nowMs, "all")
    if (more.count === 0) return
    const { frameworkId, role, agentId, resources } = more.at(0)
    insist(false, `left over: ${textOf(resources)} of ${agentId}, which ${frameworkId} takes as ${role}`)
  }
}

/** Everything back: the same as if nobody had ever held anything. Destroys the world. */
export const expectNothingHeld = (world: World): void => {
  const { allocator } = world
  for (const { scope, resources } of [...world.offers, ...world.tasks]) allocator.release(scope, resources)
  const pathsHeld = new Set([...world.offers, ...world.tasks].map(({ scope }) => scope.role))
  for (const path of pathsHeld) {
    insist(allocator.shareOf(path) === 0, `give back: the share of ${path} is ${allocator.shareOf(path)}`)
    const held = Object.keys(allocator.allocatedToRole(path))
    insist(held.length === 0, `give back: ${path} still holds ${held.join()}`)
  }
  for (const { agentId, total, reserve } of world.agents.values()) {
    const held = allocator.allocatedOn(agentId)
    insist(held.length === 0, `give back: ${textOf(held)} of ${agentId} are still held`)
    const available = allocator.availableOn(agentId)
    const free = Object.entries(plainQuantities(total)).map(([name, milli]): [string, number] => [
      name,
      Math.max(0, milli - (reserve[name] ?? 0)),
    ])
    const others = (list: Resources) =>
      pickResources(list, ({ kind }) => kind.type !== "scalar" || !isPlain(kind))
    const expected = textOf([...quantitiesToResources(toQuantities(free)), ...others(total)].sort(byKey))
    const actual = textOf(Array.from(available).sort(byKey))
    insist(expected === actual, `give back: of ${agentId} available are ${actual}, not ${expected}`)
  }
}

const byKey = (left: Resource, right: Resource): number =>
  left.kind.key < right.kind.key ? -1 : left.kind.key > right.kind.key ? 1 : 0
