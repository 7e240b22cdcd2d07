import type { Entry, LaunchIntent, WireResource, WireStatus } from "./Diary.ts"
import type { Evidence } from "./Evidence.ts"
import { judgeOperations } from "./Ledger.ts"

// Judges a storm by what was written down, apart from the code that it judges: it imports nothing of gleaner and knows
// only the v1 API. A law that holds gives no line, a broken one names the task and what speaks against what.

export interface StormRecord {
  readonly diary: ReadonlyArray<Entry>
  readonly evidence: Evidence
  /** Containers whose launcher the storm has killed: the exit code of those may be unknown, nothing else. */
  readonly containersWithoutLauncher: ReadonlyArray<string>
  /** What the host lends at most. */
  readonly capacity: { readonly cpuMilli: number; readonly memMiB: number }
  readonly end: {
    /** `/state` of the master once all has settled. */
    readonly state: StateView
    /** What `/slaves` says of reserved resources. */
    readonly reserved: ReadonlyArray<WireResource>
    readonly processes: ReadonlyArray<string>
    readonly cgroups: ReadonlyArray<string>
    /** Daemons that ended although nobody had told them to. */
    readonly deserters: ReadonlyArray<string>
  }
}

export interface StateView {
  readonly frameworks: ReadonlyArray<{
    readonly tasks: ReadonlyArray<{ readonly id: string; readonly state: string }>
    readonly unreachable_tasks: ReadonlyArray<{ readonly id: string }>
  }>
  readonly orphan_tasks: ReadonlyArray<{ readonly id: string }>
  readonly slaves: ReadonlyArray<{
    readonly resources: { readonly cpus: number; readonly mem: number }
    readonly used_resources: Readonly<Record<string, unknown>>
  }>
}

export type ViolationKind =
  | "no end"
  | "two ends"
  | "wrong end"
  | "exit code forgotten"
  | "lost though it ran"
  | "lost though told running"
  | "killed unasked"
  | "refused unasked"
  | "spoke after its end"
  | "ran after its end"
  | "ran twice"
  | "ran unasked"
  | "over capacity"
  | "left behind"
  | "deserted"
  // Of reservations and volumes.
  | "done though refused"
  | "done untold"
  | "undone before it was done"
  | "undone twice"
  | "lost though done"
  | "there though undone"
  | "wrong amount"
  | "reserved unasked"

export interface Violation {
  readonly kind: ViolationKind
  /** Task, process or place. */
  readonly who: string
  readonly what: string
}

const lossStates = ["TASK_LOST", "TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR", "TASK_UNKNOWN"]
const endStates = ["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", ...lossStates]

/** Clocks are read in hundredths, before and after the write. */
const clockSlack = 3

interface Update {
  readonly at: number
  readonly status: WireStatus
}

/** All that is known of one task. */
interface Story {
  readonly intent: LaunchIntent
  /** 202 = accepted, 0 = nobody knows, else refused. */
  readonly answer: number
  readonly updates: ReadonlyArray<Update>
  readonly wasKilled: boolean
  readonly starts: ReadonlyArray<number>
  readonly ends: ReadonlyArray<{ readonly at: number; readonly code: number }>
}

/** Every broken law; empty when all hold. */
export const findViolations = (record: StormRecord): ReadonlyArray<Violation> => {
  const stories = tellStories(record)
  const known = new Set(stories.map(({ intent }) => intent.taskId))
  const strangers = [...record.evidence.keys()].filter((taskId) => !known.has(taskId))
  return [
    ...strangers.map((who): Violation => ({ kind: "ran unasked", who, what: "nobody launched it" })),
    ...stories.flatMap((story) => judgeStory(story, record)),
    ...judgeCapacity(stories, record.capacity),
    ...judgeOperations(record.diary, record.end.reserved),
    ...judgeRest(record.end),
  ]
}

/** What happened to each launch, from all sources together. */
export const tellStories = ({ diary, evidence }: StormRecord): ReadonlyArray<Story> =>
  diary.flatMap((entry) => {
    if (entry.type !== "launch") return []
    const { taskId } = entry
    const answers = diary.flatMap((other) =>
      other.type === "launch-answered" && other.taskIds.includes(taskId) ? [other.status] : [],
    )
    const lines = (evidence.get(taskId) ?? []).map((line) => line.split(" "))
    return [
      {
        intent: entry,
        answer: answers[0] ?? 0,
        updates: diary.flatMap((other) =>
          other.type === "update" && other.status.task_id.value === taskId
            ? [{ at: other.at, status: other.status }]
            : [],
        ),
        wasKilled: diary.some((other) => other.type === "kill" && other.taskId === taskId),
        starts: lines.filter(([word]) => word === "start").map((words) => toHundredths(words[3])),
        ends: lines
          .filter(([word]) => word === "end")
          .map((words) => ({ code: Number(words[1]), at: toHundredths(words[2]) })),
      },
    ]
  })

const toHundredths = (seconds: string | undefined): number => Math.round(Number(seconds) * 100)

const isEnd = ({ status }: Update): boolean => endStates.includes(status.state)

/** An answer to RECONCILE repeats what is known or says that nothing is; it is no end of its own unless a loss. */
const isAnswer = ({ status }: Update): boolean =>
  status.uuid === undefined && status.reason === "REASON_RECONCILIATION"

const isLoss = ({ status }: Update): boolean => lossStates.includes(status.state)

/** The statuses that end the task for its framework, in the order in which they came. */
export const endsOf = (story: Story): ReadonlyArray<Update> =>
  story.updates.filter((update) => isEnd(update) && (!isAnswer(update) || isLoss(update)))

const judgeStory = (story: Story, record: StormRecord): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const blame = (kind: ViolationKind, what: string) =>
    found.push({ kind, who: story.intent.taskId, what: `${what}; ${describe(story)}` })

  const ran = story.starts.length > 0
  if (story.starts.length > 1) blame("ran twice", `${story.starts.length} starts`)
  if (story.ends.length > 1) blame("ran twice", `${story.ends.length} ends`)
  if (story.answer >= 300) {
    if (ran) blame("ran unasked", `its launch was refused with ${story.answer}`)
    return found
  }
  const [end] = endsOf(story)
  if (end === undefined) {
    blame("no end", story.answer === 202 ? "its launch was accepted" : "nobody knows whether it was accepted")
    return found
  }
  judgeRepetitions(story, end, blame)
  judgeEnd(story, end, record.containersWithoutLauncher, blame)
  const lastSign = Math.max(...story.starts, ...story.ends.map(({ at }) => at))
  if (ran && lastSign > end.at + clockSlack) {
    blame("ran after its end", `told at ${end.at}, last sign of life at ${lastSign}`)
  }
  return found
}

type Blame = (kind: ViolationKind, what: string) => void

/** One end: a repetition has the same uuid; what comes later must not contradict it. */
const judgeRepetitions = (story: Story, end: Update, blame: Blame): void => {
  const uuids = new Set(endsOf(story).flatMap(({ status }) => status.uuid ?? []))
  if (uuids.size > 1) blame("two ends", `${uuids.size} terminal statuses`)
  const later = story.updates.slice(story.updates.indexOf(end) + 1)
  const before = new Set(
    story.updates.slice(0, story.updates.indexOf(end) + 1).map(({ status }) => status.uuid),
  )
  for (const update of later) {
    const { state, uuid } = update.status
    if (isAnswer(update)) {
      // Once the end is acknowledged the master forgets the task, and says so when asked.
      const fits = isEnd(update) && (isLoss(update) || state === end.status.state)
      if (!fits) blame("spoke after its end", `an answer says ${state}`)
    } else if (isEnd(update)) {
      const isSame = state === end.status.state || (isLoss(update) && isLoss(end))
      if (!isSame) blame("two ends", `first ${end.status.state}, then ${state}`)
    } else if (uuid === undefined || !before.has(uuid)) blame("spoke after its end", `with ${state}`)
  }
}

/** What was told must be what the task itself wrote. */
const judgeEnd = (story: Story, end: Update, launcherless: ReadonlyArray<string>, blame: Blame): void => {
  const { state, reason = "" } = end.status
  const ran = story.starts.length > 0
  const wasToldRunning = story.updates.some(({ status }) => status.state === "TASK_RUNNING")
  if (lossStates.includes(state)) {
    if (ran) blame("lost though it ran", `${state} ${reason}`)
    else if (wasToldRunning && !story.wasKilled) blame("lost though told running", `${state} ${reason}`)
    return
  }
  if (state === "TASK_ERROR") return blame("refused unasked", end.status.message ?? reason)
  if (state === "TASK_KILLED") {
    if (!story.wasKilled) blame("killed unasked", reason)
    return
  }
  const told = exitCodeOf(end.status)
  const wrote = story.ends[0]?.code
  if (told === undefined) {
    const isExcused = story.updates.some(({ status }) =>
      launcherless.includes(status.container_status?.container_id?.value ?? ""),
    )
    if (state === "TASK_FINISHED") blame("wrong end", "finished without an exit code")
    // Nothing of it has run: its start failed.
    else if (ran && !isExcused) blame("exit code forgotten", `${state} ${reason}`)
    else if (!ran && wasToldRunning && !isExcused) blame("lost though told running", `${state} ${reason}`)
    return
  }
  if (told !== wrote) blame("wrong end", `told ${told}, wrote ${wrote}`)
  if (state !== (told === 0 ? "TASK_FINISHED" : "TASK_FAILED")) blame("wrong end", `${state} with ${told}`)
}

const exitCodeOf = ({ labels, message = "" }: WireStatus): number | undefined => {
  const label = labels?.labels.find(({ key }) => key === "gleaner.exit_code")?.value
  const said = label ?? /\bstatus (\d+)\b/.exec(message)?.[1]
  return said === undefined ? undefined : Number(said)
}

const describe = (story: Story): string => {
  const told = story.updates.map(
    ({ at, status }) => `${at}:${status.state.replace("TASK_", "")}${status.uuid === undefined ? "?" : ""}`,
  )
  const wrote = [
    ...story.starts.map((at) => `${at}:start`),
    ...story.ends.map(({ at, code }) => `${at}:end ${code}`),
  ]
  return `answer ${story.answer}${story.wasKilled ? ", killed" : ""}, told [${told.join(" ")}], wrote [${wrote.join(" ")}]`
}

/** Tasks that ran at the same time never held more than the host lends. Without an end of its own a task counts for its start only. */
const judgeCapacity = (
  stories: ReadonlyArray<Story>,
  capacity: StormRecord["capacity"],
): ReadonlyArray<Violation> => {
  const spans = stories.flatMap(({ intent, starts, ends }) =>
    starts.map((from) => ({ intent, from, to: ends[0]?.at ?? from })),
  )
  return spans.flatMap(({ from }) => {
    const present = spans.filter(
      (other) => other.from === from || (other.from < from && from < other.to - clockSlack),
    )
    const cpuMilli = present.reduce((sum, { intent }) => sum + intent.cpuMilli, 0)
    const memMiB = present.reduce((sum, { intent }) => sum + intent.memMiB, 0)
    if (cpuMilli <= capacity.cpuMilli && memMiB <= capacity.memMiB) return []
    const who = present.map(({ intent }) => intent.taskId).join(" ")
    const what = `at ${from}: ${cpuMilli} milli-cpus and ${memMiB} MiB of ${capacity.cpuMilli} and ${capacity.memMiB}`
    return [{ kind: "over capacity", who, what }]
  })
}

const judgeRest = (end: StormRecord["end"]): ReadonlyArray<Violation> => {
  const left = (who: string, what: string): Violation => ({ kind: "left behind", who, what })
  const { frameworks, orphan_tasks, slaves } = end.state
  return [
    ...end.deserters.map((who): Violation => ({ kind: "deserted", who, what: "it ended by itself" })),
    ...end.processes.map((who) => left(who, "a process")),
    ...end.cgroups.map((who) => left(who, "a cgroup")),
    ...frameworks.flatMap(({ tasks, unreachable_tasks }) => [
      ...tasks.map(({ id, state }) => left(id, `${state} in /state`)),
      ...unreachable_tasks.map(({ id }) => left(id, "unreachable in /state")),
    ]),
    ...orphan_tasks.map(({ id }) => left(id, "an orphan in /state")),
    ...slaves.flatMap(({ used_resources }) =>
      ["cpus", "mem"].flatMap((name) =>
        used_resources[name] === 0 ? [] : [left(name, `${used_resources[name]} still held in /state`)],
      ),
    ),
  ]
}
