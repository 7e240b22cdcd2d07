import { type Quantities, quantitiesToText } from "../../../core/resources/Quantities.ts"
import { type Resources, resourcesToText } from "../../../core/resources/Resources.ts"
import type { Command, Scenario } from "./Command.ts"
import type { MakeAllocator } from "./Implementations.ts"
import { pathsTo } from "./Paths.ts"
import { World } from "./World.ts"

/** Made for one world, called after each of its commands; throws when a law is broken. */
export type Watch = (world: World) => (command: Command) => void

/** Runs a scenario, told line by line: each command and the offers of each cycle. What is thrown is told with it. */
export const replay = (
  make: MakeAllocator,
  scenario: Scenario,
  watch: Watch,
): { readonly world: World; readonly story: ReadonlyArray<string> } => {
  const story: Array<string> = []
  const world = new World(make, scenario)
  const check = watch(world)
  for (const command of scenario.commands) {
    story.push(commandToText(command, world))
    try {
      world.run(command)
      for (const { frameworkId, role, agentId, resources } of world.made) {
        story.push(`  offer to ${frameworkId} as ${role}: ${resourcesToText(resources)} of ${agentId}`)
      }
      check(command)
    } catch (error) {
      throw new Error(`${(error as Error).message}\nafter\n${story.join("\n")}`, { cause: error })
    }
  }
  return { world, story }
}

/** All of them. */
export const watchAll =
  (...watches: ReadonlyArray<Watch>): Watch =>
  (world) => {
    const checks = watches.map((watch) => watch(world))
    return (command) => {
      for (const check of checks) check(command)
    }
  }

/**
 * What happened, and after each command whatever an allocator can be asked, as far as it changed. Two allocators are alike if
 * their stories are.
 */
export const storyOf = (make: MakeAllocator, scenario: Scenario): ReadonlyArray<string> => {
  const told: Array<ReadonlyArray<string>> = []
  let before = new Map<string, string>()
  const { story } = replay(make, scenario, (world) => ({ type }) => {
    // Half of the questions are asked after cycles only: the twin counts long for each answer.
    const now = type === "cycle" ? answersOf(world) : new Map([...before, ...hostAnswersOf(world)])
    const lines: Array<string> = []
    for (const [question, answer] of now) {
      if ((before.get(question) ?? untold(answer)) !== answer) lines.push(`  ${question} = ${answer}`)
    }
    for (const question of type === "cycle" ? before.keys() : []) {
      if (question.startsWith("row ") && !now.has(question)) lines.push(`  ${question} is gone`)
    }
    told.push(lines)
    before = now
  })
  return weave(story, told)
}

/** The answers of a command come after its offers. */
const weave = (
  story: ReadonlyArray<string>,
  told: ReadonlyArray<ReadonlyArray<string>>,
): ReadonlyArray<string> => {
  const starts = story.flatMap((line, index) => (line.startsWith(" ") ? [] : [index]))
  return starts.flatMap((start, index) => [
    ...story.slice(start, starts[index + 1] ?? story.length),
    ...told[index]!,
  ])
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

/** Whatever can be asked. */
export const answersOf = (world: World): Map<string, string> => {
  const { allocator, frameworks, offers, tasks, settings } = world
  const answers = hostAnswersOf(world)
  answers.set("total", textOf(allocator.clusterTotal()))
  for (const { kind, key, value } of allocator.snapshot()) {
    answers.set(`row ${kind} ${key}`, JSON.stringify(value))
  }
  const subscriptions = Array.from(frameworks.values()).flatMap(({ frameworkId, roles }) =>
    roles.map((role) => ({ frameworkId, role })),
  )
  const holders = [...offers, ...tasks].map(({ scope }) => scope)
  const clients = [...subscriptions, ...holders]
  for (const { frameworkId, role } of clients) {
    const held = allocator.allocatedToFramework(role, frameworkId)
    answers.set(`held by ${frameworkId} as ${role}`, textOf(held))
    answers.set(`filters of ${frameworkId} as ${role}`, textOf(allocator.filterCountOf(frameworkId, role)))
  }
  const roles = [...clients.map(({ role }) => role), ...Object.keys(settings.quotas)]
  for (const path of new Set(roles.flatMap(pathsTo))) {
    answers.set(`share of ${path}`, textOf(allocator.shareOf(path)))
    answers.set(`held by ${path}`, textOf(allocator.allocatedToRole(path)))
    if (!path.includes("/")) answers.set(`quota consumed by ${path}`, textOf(allocator.consumedQuotaOf(path)))
  }
  return answers
}

const hostAnswersOf = ({ allocator, agents }: World): Map<string, string> => {
  const answers = new Map([["next expiry", textOf(allocator.nextExpiryMs())]])
  for (const agentId of agents.keys()) {
    answers.set(`allocated on ${agentId}`, textOf(allocator.allocatedOn(agentId)))
    answers.set(`available on ${agentId}`, textOf(allocator.availableOn(agentId)))
    answers.set(`held on ${agentId}`, textOf(allocator.heldOn(agentId)))
    answers.set(`missing from the reserve of ${agentId}`, textOf(allocator.missingFromReserveOf(agentId)))
  }
  return answers
}

const textOf = (answer: Resources | Quantities | number | null): string => {
  if (Array.isArray(answer)) return resourcesToText(answer as Resources)
  return typeof answer === "object" && answer !== null
    ? quantitiesToText(answer as Quantities)
    : String(answer)
}

export const commandToText = (command: object, world: World): string =>
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
