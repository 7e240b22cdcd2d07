import type { Violation, ViolationKind } from "./Checker.ts"
import type { Entry, OperationIntent, WireOperationStatus, WireResource } from "./Diary.ts"

// Judges reservations and volumes by what crossed the wire: each operation that was told finished has been done once, and
// none else. It imports nothing of gleaner, like the checker of tasks.

/** The key of the label that tells reservations apart. */
export const labelKey = "storm"

export const labelOf = ({ reservations = [] }: WireResource): string | undefined => {
  const labels = reservations[reservations.length - 1]?.labels?.labels ?? []
  return labels.find(({ key }) => key === labelKey)?.value
}

const endStates = ["OPERATION_FINISHED", "OPERATION_FAILED", "OPERATION_ERROR", "OPERATION_DROPPED"]

/** Asked about an operation, a master that never had it says so; one that has, keeps it until its end is acknowledged. */
const isForgotten = ({ state }: WireOperationStatus): boolean =>
  state === "OPERATION_UNKNOWN" || state === "OPERATION_GONE_BY_OPERATOR"

export const isOperationEnd = (status: WireOperationStatus): boolean =>
  endStates.includes(status.state) || isForgotten(status)

/** All that is known of one operation. */
interface OperationStory {
  readonly intent: OperationIntent
  /** 202 = accepted, 0 = nobody knows, else refused. */
  readonly answer: number
  readonly updates: ReadonlyArray<WireOperationStatus>
}

export const tellOperations = (diary: ReadonlyArray<Entry>): ReadonlyArray<OperationStory> =>
  diary.flatMap((entry) => {
    if (entry.type !== "operation") return []
    const { operationId } = entry
    const answers = diary.flatMap((other) =>
      other.type === "operations-answered" && other.operationIds.includes(operationId) ? [other.status] : [],
    )
    const updates = diary.flatMap((other) =>
      other.type === "operation-update" && other.status.operation_id.value === operationId
        ? [other.status]
        : [],
    )
    return [{ intent: entry, answer: answers[0] ?? 0, updates }]
  })

const isDone = ({ updates }: OperationStory): boolean =>
  updates.some(({ state }) => state === "OPERATION_FINISHED")

export const judgeOperations = (
  diary: ReadonlyArray<Entry>,
  reserved: ReadonlyArray<WireResource>,
): ReadonlyArray<Violation> => {
  const stories = tellOperations(diary)
  return [...stories.flatMap(judgeStory), ...judgeReservations(stories, reserved)]
}

const tell = ({ intent, answer, updates }: OperationStory): string =>
  `${intent.kind} of ${intent.subject}, answer ${answer}, told [${updates.map(({ state }) => state).join(" ")}]`

const judgeStory = (story: OperationStory): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const blame = (kind: ViolationKind) =>
    found.push({ kind, who: story.intent.operationId, what: tell(story) })
  const { answer, updates } = story
  if (answer >= 300) {
    if (isDone(story)) blame("done though refused")
    return found
  }
  if (!updates.some(isOperationEnd)) blame("no end")
  const told = new Set(updates.filter(({ state }) => endStates.includes(state)).map(({ state }) => state))
  if (told.size > 1) blame("two ends")
  const uuids = new Set(
    updates.flatMap(({ uuid, state }) => (endStates.includes(state) ? (uuid?.value ?? []) : [])),
  )
  if (uuids.size > 1) blame("two ends")
  return found
}

/** In milli-cpus and MiB; a volume is part of its reservation's disk. */
const amountsOf = (resources: ReadonlyArray<WireResource>): string => {
  const sumOf = (wanted: string, factor: number) =>
    resources.reduce(
      (sum, { name, scalar }) => sum + (name === wanted ? Math.round((scalar?.value ?? 0) * factor) : 0),
      0,
    )
  return `${sumOf("cpus", 1_000)} milli-cpus, ${sumOf("mem", 1)} MiB, ${sumOf("disk", 1)} MiB of disk`
}

const judgeReservations = (
  stories: ReadonlyArray<OperationStory>,
  reserved: ReadonlyArray<WireResource>,
): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const of = (kind: OperationIntent["kind"], subject: string) =>
    stories.filter(({ intent }) => intent.kind === kind && intent.subject === subject)
  const judge = (
    subject: string,
    [made, unmade]: readonly [OperationIntent["kind"], OperationIntent["kind"]],
    isThere: boolean,
  ) => {
    const [makers, unmakers] = [of(made, subject), of(unmade, subject)]
    const ends = unmakers.filter(isDone).length
    const blame = (kind: ViolationKind) =>
      found.push({ kind, who: subject, what: [...makers, ...unmakers].map(tell).join("; ") })
    if (ends > 1) blame("undone twice")
    if (!makers.some(isDone)) {
      if (isThere) blame("done untold")
      if (ends > 0) blame("undone before it was done")
    } else if (ends === 0 && !isThere) blame("lost though done")
    else if (ends > 0 && isThere) blame("there though undone")
  }
  const subjectsOf = (kind: OperationIntent["kind"]) =>
    stories.flatMap(({ intent }) => (intent.kind === kind ? [intent] : []))

  const there = (label: string) => reserved.filter((resource) => labelOf(resource) === label)
  for (const { subject, cpuMilli, memMiB, diskMiB } of subjectsOf("RESERVE")) {
    const held = there(subject)
    judge(subject, ["RESERVE", "UNRESERVE"], held.length > 0)
    const meant = `${cpuMilli} milli-cpus, ${memMiB} MiB, ${diskMiB} MiB of disk`
    const is = amountsOf(held)
    if (held.length > 0 && is !== meant)
      found.push({ kind: "wrong amount", who: subject, what: `meant ${meant}, reserved ${is}` })
  }
  const volumes = reserved.flatMap(({ disk }) => disk?.persistence?.id ?? [])
  for (const { subject } of subjectsOf("CREATE")) {
    const count = volumes.filter((id) => id === subject).length
    judge(subject, ["CREATE", "DESTROY"], count > 0)
    if (count > 1) found.push({ kind: "wrong amount", who: subject, what: `${count} volumes of this id` })
  }

  const labels = new Set(subjectsOf("RESERVE").map(({ subject }) => subject))
  for (const resource of reserved) {
    const label = labelOf(resource)
    if (label !== undefined && labels.has(label)) continue
    found.push({ kind: "reserved unasked", who: label ?? resource.name, what: JSON.stringify(resource) })
  }
  return found
}
