import { type Quantities, quantitiesToText } from "../../../core/resources/Quantities.ts"
import { type Resources, resourcesToText } from "../../../core/resources/Resources.ts"
import type { Command, Scenario } from "./Command.ts"
import type { MakeAllocator } from "./Implementations.ts"
import { pathsTo } from "./Paths.ts"
import { World } from "./World.ts"

/** Sees a world before and after each command; throws when a law is broken. */
export type Watch = (world: World) => (command: Command) => void

/**
 * What happened, line by line: each command, the offers of each cycle, and then whatever an allocator can be asked, as far as
 * it changed. Two allocators are alike if their stories are.
 */
export const storyOf = (make: MakeAllocator, scenario: Scenario, watch?: Watch): ReadonlyArray<string> => {
  const story: Array<string> = []
  const world = new World(make, scenario)
  const check = watch?.(world)
  let before = new Map<string, string>()
  for (const command of scenario.commands) {
    story.push(commandToText(command, world))
    try {
      world.run(command)
      check?.(command)
    } catch (error) {
      throw new Error(`${(error as Error).message}\nafter\n${story.join("\n")}`, { cause: error })
    }
    for (const { frameworkId, role, agentId, resources } of world.made) {
      story.push(`  offer to ${frameworkId} as ${role}: ${resourcesToText(resources)} of ${agentId}`)
    }
    const now = answersOf(world)
    for (const [question, answer] of now) {
      if ((before.get(question) ?? untold(answer)) !== answer) story.push(`  ${question} = ${answer}`)
    }
    before = now
  }
  return story
}

/** Throws the story up to the point where they part. */
export const expectSameStory = (
  expected: ReadonlyArray<string>,
  actual: ReadonlyArray<string>,
  names: readonly [expected: string, actual: string],
): void => {
  const part = expected.findIndex((line, index) => line !== actual[index])
  const at = part < 0 ? expected.length : part
  if (part < 0 && expected.length === actual.length) return
  const tell = (story: ReadonlyArray<string>) => story.slice(at, at + 6).join("\n")
  throw new Error(
    [
      `the stories part after line ${at}:`,
      ...expected.slice(0, at),
      `--- ${names[0]}:`,
      tell(expected),
      `--- ${names[1]}:`,
      tell(actual),
    ].join("\n"),
  )
}

/** Nothing, zero and never need not be told of what is new. */
const untold = (answer: string): string | undefined =>
  ["{}", "0", "null"].includes(answer) ? answer : undefined

const answersOf = ({ allocator, agents, frameworks, tasks, settings }: World): Map<string, string> => {
  const answers = new Map<string, string>()
  const tell = (question: string, answer: Resources | Quantities | number | null) =>
    answers.set(
      question,
      Array.isArray(answer)
        ? resourcesToText(answer as Resources)
        : typeof answer === "object" && answer !== null
          ? quantitiesToText(answer as Quantities)
          : String(answer),
    )
  tell("total", allocator.clusterTotal())
  tell("next expiry", allocator.nextExpiryMs())
  for (const agentId of agents.keys()) {
    tell(`allocated on ${agentId}`, allocator.allocatedOn(agentId))
    tell(`available on ${agentId}`, allocator.availableOn(agentId))
    tell(`held on ${agentId}`, allocator.heldOn(agentId))
    tell(`missing from the reserve of ${agentId}`, allocator.missingFromReserveOf(agentId))
  }
  const subscribed = Array.from(frameworks.values()).flatMap(({ roles }) => roles)
  const roles = [...subscribed, ...tasks.map(({ scope }) => scope.role), ...Object.keys(settings.quotas)]
  for (const path of new Set(roles.flatMap(pathsTo))) {
    tell(`share of ${path}`, allocator.shareOf(path))
    tell(`held by ${path}`, allocator.allocatedToRole(path))
    if (!path.includes("/")) tell(`quota consumed by ${path}`, allocator.consumedQuotaOf(path))
    for (const frameworkId of frameworks.keys()) {
      tell(`held by ${frameworkId} as ${path}`, allocator.allocatedToFramework(path, frameworkId))
    }
  }
  return answers
}

const commandToText = (command: Command, world: World): string =>
  `${world.nowMs} ms: ${JSON.stringify(plain(command))}`

/** Resources as text, since their kinds fill a screen. */
const plain = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return Number.isNaN(value) ? "NaN" : value
  if (Array.isArray(value)) {
    const isResources =
      value.length > 0 && typeof value[0] === "object" && value[0] !== null && "kind" in value[0]
    return isResources ? resourcesToText(value as Resources) : value.map(plain)
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
