import type { Allocator } from "../../core/allocation/Allocator.ts"
import type { Placement, Placer } from "../../core/allocation/Placement.ts"
import { amountOf } from "../../core/resources/Quantities.ts"
import { plainQuantities } from "../../core/resources/Resources.ts"
import { CycleTimes } from "../allocation/Cluster.ts"
import { residentMb } from "../allocation/Job.ts"
import { agentIdOf, toFramework } from "../allocation/Workload.ts"
import { checkAt, wrongResult } from "../allocation/WrongResult.ts"
import type { PlacementFigure, PlacementJob } from "./Job.ts"
import { type GroupName, Ledger } from "./Ledger.ts"
import { probeRule } from "./Probe.ts"
import {
  type PlacementWorkload,
  type Request,
  toPlacementAgent,
  toQuantities,
  toWorkload,
} from "./Workload.ts"

/** An allocator without anything, and its placer. */
export interface PlacingAllocator {
  readonly allocator: Allocator
  readonly placer: Placer
}

export type MakePlacing = () => PlacingAllocator

/**
 * A new allocator each round: hosts, groups and what is there before are put in, then one request after the other is timed, the answers
 * kept. All rounds must answer the same, and that is checked against the ledger once. Throws `WrongResult` when it is not what it
 * should be.
 */
export const runJob = (job: PlacementJob, makePlacing: MakePlacing): PlacementFigure => {
  const workload = toWorkload(job)
  const times = new CycleTimes()
  let verified: Answers | null = null
  for (let round = 1; round <= job.rounds; round++) {
    const { allocator, placer } = makePlacing()
    setUp(workload, allocator, placer)
    const before = placeAll(placer, "before", workload.before)
    const measured = placeAll(placer, "measured", workload.measured)
    times.wallMs.push(measured.wallMs)
    times.cpuMs.push(measured.cpuMs)
    allocator.takeChanged()
    const answers = [...before.answers, ...measured.answers]
    checkAt(`round ${round}`, () => {
      if (verified !== null) return checkSame(verified, answers)
      const ledger = verifyAll(workload, allocator, before.answers, measured.answers)
      probeRule(workload, allocator, ledger, (amounts) =>
        answerOf(placer.place("measured", toQuantities(amounts))),
      )
    })
    verified ??= answers
  }
  return { times, placements: job.size.measured, rssMb: residentMb() }
}

const setUp = (workload: PlacementWorkload, allocator: Allocator, placer: Placer): void => {
  allocator.putFramework(toFramework(0, "*"))
  for (let host = 0; host < workload.hosts.length; host++)
    allocator.putAgent(toPlacementAgent(workload, host))
  for (const group of workload.groups) placer.putGroup(group)
}

/** By request the agent's id, or why it was refused. */
type Answers = ReadonlyArray<string>

const refused = "refused: "
const answerOf = (placement: Placement): string =>
  placement.type === "placed" ? placement.agentId : refused + placement.reason

/** The timed loop; nothing else happens in it. */
const placeAll = (placer: Placer, group: GroupName, requests: ReadonlyArray<Request>) => {
  const wanted = requests.map(({ amounts }) => toQuantities(amounts))
  const answers = new Array<string>(wanted.length).fill("")
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  for (let index = 0; index < wanted.length; index++)
    answers[index] = answerOf(placer.place(group, wanted[index]!))
  const wallMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpu)
  return { answers, wallMs, cpuMs: (user + system) / 1_000 }
}

// --- what came of it ---

const verifyAll = (
  workload: PlacementWorkload,
  allocator: Allocator,
  before: Answers,
  measured: Answers,
): Ledger => {
  const ledger = new Ledger(workload)
  verify(ledger, "before", workload.before, before)
  verify(ledger, "measured", workload.measured, measured)
  checkBooked(workload, allocator, ledger)
  return ledger
}

const verify = (
  ledger: Ledger,
  group: GroupName,
  requests: ReadonlyArray<Request>,
  answers: Answers,
): void => {
  for (let index = 0; index < requests.length; index++) {
    const { amounts, isImpossible } = requests[index]!
    const answer = answers[index]!
    checkAt(`task ${index + 1} of ${requests.length} ${group}`, () => {
      if (isImpossible && answer !== `${refused}short`)
        wrongResult(`no host can have it, and it should be refused as short, not ${answer}`)
      if (isImpossible) return
      if (answer.startsWith(refused)) {
        const best = ledger.bestHost(group, amounts)
        wrongResult(
          `${answer}${best < 0 ? "; there is no place" : `, although ${agentIdOf(best)} may have it`}`,
        )
      }
      ledger.take(group, answer, amounts)
    })
  }
}

/** What was answered is in the books. */
const checkBooked = ({ hosts }: PlacementWorkload, allocator: Allocator, ledger: Ledger): void => {
  for (let host = 0; host < hosts.length; host++) {
    const agentId = agentIdOf(host)
    const booked = plainQuantities(allocator.allocatedOn(agentId))
    const { cpus, mem } = ledger.usedOn(host)
    if (amountOf(booked, "cpus") !== cpus || amountOf(booked, "mem") !== mem)
      wrongResult(
        `${agentId}: booked are ${JSON.stringify(booked)}, answered were ${JSON.stringify({ cpus, mem })}`,
      )
  }
}

const checkSame = (verified: Answers, answers: Answers): void => {
  const part = answers.findIndex((answer, index) => answer !== verified[index])
  if (part >= 0)
    wrongResult(`answer ${part + 1} is ${answers[part]}, in the first round it was ${verified[part]}`)
}

/** Made each time: enough for V8 to have compiled what they need. */
const warmPlacements = 10_000

/**
 * The same job at a tenth of its size, several times, for the same reason as in the suite `allocation`: what is timed is compiled
 * code, and V8 compiles for the one placer it has seen and starts again with the second.
 */
export const warmUp = (job: PlacementJob, makePlacing: MakePlacing): void => {
  const tenth = (count: number) => Math.max(1, Math.ceil(count / 10))
  const { hosts, before, measured } = job.size
  const size = { hosts: tenth(hosts), before: tenth(before), measured: tenth(measured) }
  const rounds = Math.ceil(warmPlacements / size.measured)
  for (let time = 0; time < 5; time++) runJob({ ...job, size, rounds }, makePlacing)
}
