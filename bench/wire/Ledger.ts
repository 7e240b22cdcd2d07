import { wrongResult } from "../allocation/WrongResult.ts"

/** How far a task has come, as its framework and its agent have seen it. */
const stages = [
  ...["launched", "running", "running acknowledged", "finished", "finished acknowledged"],
  "finished, with the answer to the first acknowledgement under way",
] as const
const [launched, running, runningAcknowledged, finished, finishedAcknowledged] = [1, 2, 3, 4, 5]
const finishedEarly = 6
/** Its offer was taken back while the ACCEPT was under way; such a task never reaches an agent. */
const dropped = 7

const capacity = 4_000_000

/**
 * The count that the master is judged by, kept by those who play its peers: each task starts once on one agent, and ends in one
 * terminal status that its framework has acknowledged. Throws `WrongResult` with the first thing that does not fit.
 */
export class Ledger {
  private readonly stageOf = new Uint8Array(capacity)
  private readonly startsOf = new Uint8Array(capacity)
  private readonly endsOf = new Uint8Array(capacity)
  /** When each task was wanted, and when its ACCEPT left, in ms. */
  readonly wantedAtMs = new Float64Array(capacity)
  readonly acceptedAtMs = new Float64Array(capacity)
  count = 0
  /** Launched and neither ended nor dropped. */
  open = 0
  completed = 0
  droppedCount = 0

  /** Called with each task that the framework hears is running. */
  onRunning: (index: number) => void = () => {}

  launch(wantedAtMs: number, nowMs: number): string {
    const index = this.count++
    if (index >= capacity) wrongResult(`more than ${capacity} tasks in one run: measure fewer seconds`)
    this.stageOf[index] = launched
    this.wantedAtMs[index] = wantedAtMs
    this.acceptedAtMs[index] = nowMs
    this.open++
    return `t${index}`
  }

  /** A status as the framework gets it. */
  told(taskId: string, state: string, message: string | undefined): void {
    const index = this.indexOf(taskId)
    if (state === "TASK_RUNNING") {
      this.move(index, launched, running)
      this.onRunning(index)
    } else if (state === "TASK_FINISHED") {
      // Answers come on another connection than events, and either may be read first.
      if (this.stageOf[index] === running) this.move(index, running, finishedEarly)
      else this.move(index, runningAcknowledged, finished)
    } else if (state === "TASK_DROPPED" && /is no longer valid/.test(message ?? "")) {
      this.move(index, launched, dropped)
      this.open--
      this.droppedCount++
    } else wrongResult(`${taskId} came to ${state}: ${message ?? "without a message"}`)
  }

  /** The master has answered 202 to the acknowledgement. */
  acknowledged(taskId: string, state: string): void {
    const index = this.indexOf(taskId)
    if (state === "TASK_RUNNING") {
      if (this.stageOf[index] === finishedEarly) this.move(index, finishedEarly, finished)
      else this.move(index, running, runningAcknowledged)
    } else {
      this.move(index, finished, finishedAcknowledged)
      this.open--
      this.completed++
    }
  }

  /** The agent got it, at most once. */
  started(taskId: string): void {
    if (++this.startsOf[this.indexOf(taskId)]! > 1) wrongResult(`${taskId} was launched twice`)
  }

  /** The agent heard that the terminal status is acknowledged, which may be said again after a cut but not in one run. */
  ended(taskId: string): void {
    if (++this.endsOf[this.indexOf(taskId)]! > 1)
      wrongResult(`the end of ${taskId} was acknowledged twice to its agent`)
  }

  /** How many have come how far, of those that are not through. */
  describeOpen(): string {
    const counts = new Map<string, number>()
    for (let index = 0; index < this.count; index++) {
      const stage = this.stageOf[index]!
      if (stage === dropped || stage === finishedAcknowledged) continue
      const name = `${stages[stage - 1]}${this.startsOf[index] === 0 ? ", not at its agent" : ""}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    return [...counts].map(([name, count]) => `${count} ${name}`).join("; ")
  }

  /** Every task that was ever launched is through. */
  verify(): void {
    for (let index = 0; index < this.count; index++) {
      const stage = this.stageOf[index]!
      const wantedTimes = stage === dropped ? 0 : 1
      if (stage !== dropped && stage !== finishedAcknowledged)
        wrongResult(`t${index} was lost: ${stages[stage - 1]} and nothing more`)
      if (this.startsOf[index] !== wantedTimes || this.endsOf[index] !== wantedTimes)
        wrongResult(
          `t${index} reached its agent ${this.startsOf[index]} times and ended there ${this.endsOf[index]} times, not ${wantedTimes}`,
        )
    }
    if (this.completed + this.droppedCount !== this.count)
      wrongResult(`${this.count} tasks, but ${this.completed} ends and ${this.droppedCount} dropped`)
  }

  private indexOf(taskId: string): number {
    const index = Number(taskId.slice(1))
    if (!(index < this.count)) wrongResult(`nobody launched ${taskId}`)
    return index
  }

  private move(index: number, from: number, to: number): void {
    const stage = this.stageOf[index]!
    if (stage !== from)
      wrongResult(`t${index}: ${stages[to - 1] ?? "dropped"} after ${stages[stage - 1] ?? "dropped"}`)
    this.stageOf[index] = to
  }
}
