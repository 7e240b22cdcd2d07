import type { Placement } from "../../../core/allocation/Placement.ts"
import { amountOf, quantitiesToText } from "../../../core/resources/Quantities.ts"
import { plainQuantities, resourcesToText } from "../../../core/resources/Resources.ts"
import type { Command } from "../allocation/Command.ts"
import type { MakeAllocator } from "../allocation/Implementations.ts"
import { booksAgree, neverLentTwice } from "../allocation/Laws.ts"
import { commandToText } from "../allocation/Story.ts"
import type { PlacerScenario } from "./PlacerCommand.ts"
import { PlacerWorld } from "./PlacerWorld.ts"

/** Allocators put off work until somebody asks for books, so those are not asked for all the time. */
const commandsPerQuestion = 5

/**
 * What happened, command by command: answers, offers, and what the placer counts. On the way the laws are checked: nothing is lent twice,
 * and the books say what everybody knows to hold. What is thrown is told with the story so far.
 */
export const placerStoryOf = (make: MakeAllocator, scenario: PlacerScenario): ReadonlyArray<string> => {
  const { quotas, region, filterGpuResources } = scenario.settings
  const story = [`settings: ${JSON.stringify({ quotas, region, filterGpuResources })}`]
  const world = new PlacerWorld(make, scenario)
  const checkOffers = neverLentTwice(world)
  const checkBooks = booksAgree(world)
  let before = new Map<string, string>()
  for (const [index, command] of scenario.commands.entries()) {
    story.push(commandToText(command, world))
    try {
      world.do(command)
      if (world.answer !== null) story.push(`  ${placementToText(world.answer)}`)
      for (const { frameworkId, agentId, resources } of world.made) {
        story.push(`  offer to ${frameworkId}: ${resourcesToText(resources)} of ${agentId}`)
      }
      const now = countsOf(world)
      for (const [what, count] of now) if (before.get(what) !== count) story.push(`  ${what} = ${count}`)
      before = now
      checkOffers(command as Command)
      hasRoomFor(world)
      const isAsked = index % commandsPerQuestion === 0 || index === scenario.commands.length - 1
      if (isAsked) checkBooks(command as Command)
    } catch (error) {
      throw new Error(`${(error as Error).message}\nafter\n${story.join("\n")}`, { cause: error })
    }
  }
  return story
}

const placementToText = (placement: Placement): string =>
  placement.type === "placed" ? `placed on ${placement.agentId}` : `refused: ${placement.reason}`

const countsOf = ({ placer, groups, agents }: PlacerWorld): Map<string, string> => {
  const counts = new Map<string, string>()
  for (const groupId of groups.keys()) {
    for (const agentId of agents.keys()) {
      counts.set(`tasks of ${groupId} on ${agentId}`, String(placer.countOn(groupId, agentId)))
    }
  }
  return counts
}

/** L1: where a task was placed, all that is held and the reserve are no more than the host has of what the task takes. */
const hasRoomFor = (world: PlacerWorld): void => {
  const { answer } = world
  if (answer === null || answer.type === "refused") return
  const { agentId } = answer
  const agent = world.agents.get(agentId)!
  const { resources } = world.placed[world.placed.length - 1]!
  if (!agent.isActive) throw new Error(`broken: L1: a task was placed on ${agentId}, which is not active`)
  const total = plainQuantities(agent.total)
  for (const name of Object.keys(resources)) {
    const held = world
      .holdingsOn(agentId)
      .reduce((sum, other) => sum + amountOf(plainQuantities(other.resources), name), 0)
    if (held + amountOf(agent.reserve, name) > amountOf(total, name)) {
      const reserve = quantitiesToText(agent.reserve)
      throw new Error(
        `broken: L1: of ${agentId} ${held} of ${amountOf(total, name)} ${name} are held (milli), its reserve is ${reserve}`,
      )
    }
  }
}
