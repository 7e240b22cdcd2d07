import { type Ids, idsIn } from "./Ids.ts"
import { bodyText, type Headers, headerOf, type Json, type Response } from "./Transcript.ts"

/** One place where we answer something else than Apache Mesos did. */
export interface Difference {
  /** Members and indices with slashes between them. */
  readonly path: string
  readonly recorded: string
  readonly ours: string
}

// The stated normalisations. Besides these: ids are compared as partners (Ids.ts), members of objects have no order, and
// numbers are compared as numbers, since Mesos writes whole doubles as `8.0`.

/** Moments; that there is one is compared, not which. */
const isMoment = (member: string): boolean => member === "timestamp" || /_time(_seconds)?$/.test(member)

/** What names the program and its build; it must be there and of the same kind. */
const versions = new Set(["version", "git_sha", "build_date", "build_time", "build_user"])

/** Numbers of processes. */
const processes = new Set(["executor_pid"])

/**
 * What masters and agents measure of themselves, their machines, their clients, and of what a task has used; what they count of
 * their cluster, and limits, are compared.
 */
const isMeasured = (name: string): boolean =>
  /^(system|registrar|allocator)\/|^master\/(messages_|event_queue_|http_cache_|uptime_|frameworks\/)/.test(
    name,
  ) ||
  /^slave\/(uptime|recovery_time)_secs$|^(avg_load_\w+|mem_(free|total)_bytes)$/.test(name) ||
  /^(cpus_(user|system)_time_secs|mem_(kmem_usage|file|anon|cache|rss|mapped_file)_bytes)$/.test(name)

const isOnlyKind = (member: string): boolean =>
  isMoment(member) || versions.has(member) || processes.has(member) || isMeasured(member)

const ownerOf = ({ role, principal = "", labels }: Json): string =>
  `@${role}${principal}${labels === undefined ? "" : JSON.stringify(labels)}`

/** Lists without an order of their own: by what tells their items apart. */
const keyOf = (item: Json): string | undefined => {
  if (typeof item !== "object" || item === null) return undefined
  if (typeof item.name === "string") {
    const owners = (item.reservations ?? []).map(ownerOf).join("")
    const volume = item.disk?.persistence?.id === undefined ? "" : ` ${item.disk.persistence.id}`
    // An id that a master gives tells nothing across two of them; a task's is its framework's.
    const own = typeof item.id === "string" && idsIn(item.id).length === 0 ? ` ${item.id}` : ""
    const task = item.task_id === undefined ? "" : ` ${item.task_id.value}`
    return `${item.name}${owners}${volume}${own}${task}`
  }
  // What a program can do.
  if (typeof item.type === "string" && Object.keys(item).length === 1) return item.type
  // Hosts: by their port, since all have one address.
  const port =
    item.url?.address?.port ?? item.agent_info?.port ?? (item.pid === undefined ? undefined : item.port)
  return port === undefined ? undefined : `port ${port}`
}

const inOrder = (list: ReadonlyArray<Json>): ReadonlyArray<Json> =>
  list.every((item) => keyOf(item) !== undefined)
    ? [...list].sort((left, right) => (keyOf(left)! < keyOf(right)! ? -1 : 1))
    : list

const shown = (value: unknown): string => {
  const text = value === undefined ? "nothing" : (JSON.stringify(value) ?? "nothing")
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}

/** Resources in a sentence have no order: Mesos lists them as they came in. */
const withSortedLists = (text: string): string => {
  const [, start = "", before = "", verb = "", after = ""] =
    /^(Total resources )?(.*)( does not contain | required by task.* more than available )(.*)$/s.exec(
      text,
    ) ?? []
  const sorted = (list: string) => list.split("; ").sort().join("; ")
  return verb === "" ? text : start + sorted(before) + verb + sorted(after)
}

/** JSON field by field. */
export const compareJson = (
  recorded: Json,
  ours: Json,
  ids: Ids,
  path = "",
  member = "",
): ReadonlyArray<Difference> => {
  const differs = [{ path, recorded: shown(recorded), ours: shown(ours) }]
  if (recorded === undefined || ours === undefined) return recorded === ours ? [] : differs
  if (isOnlyKind(member) && typeof recorded === typeof ours) return []
  if (typeof recorded === "string" && typeof ours === "string") {
    return ids.isSame(withSortedLists(recorded), withSortedLists(ours)) ? [] : differs
  }
  if (Array.isArray(recorded) && Array.isArray(ours)) {
    const [left, right] = [inOrder(recorded), inOrder(ours)]
    const indices = [...Array(Math.max(left.length, right.length)).keys()]
    return pairUp(left, right, indices, ids).flatMap(([name, one, other]) =>
      compareJson(one, other, ids, `${path}/${name}`),
    )
  }
  if (isObject(recorded) && isObject(ours)) {
    // Some names have ids in them.
    const partners = new Map(Object.keys(recorded).map((name) => [ids.toOurs(name), name]))
    const names = [...new Set([...partners.keys(), ...Object.keys(ours)])]
    return names.flatMap((ourName) => {
      const name = partners.get(ourName) ?? ourName
      const member = recorded.name === undefined || name !== "value" ? name : recorded.name
      return compareJson(recorded[name], ours[ourName], ids, `${path}/${name}`.replace(/^\//, ""), member)
    })
  }
  return recorded === ours ? [] : differs
}

type Pair = readonly [name: string, recorded: Json, ours: Json]

/** Items of two lists: by their key where that is unique on both sides, so that a missing one is no other's neighbour. */
const pairUp = (
  left: ReadonlyArray<Json>,
  right: ReadonlyArray<Json>,
  indices: ReadonlyArray<number>,
  ids: Ids,
): ReadonlyArray<Pair> => {
  const byKey = (list: ReadonlyArray<Json>) =>
    new Map(list.flatMap((item) => (keyOf(item) === undefined ? [] : [[ids.toOurs(keyOf(item)!), item]])))
  const [lefts, rights] = [byKey(left), byKey(right)]
  if (lefts.size === left.length && rights.size === right.length) {
    const keys = [...new Set([...lefts.keys(), ...rights.keys()])]
    return keys.map((key) => [key, lefts.get(key), rights.get(key)])
  }
  return indices.map((index) => [String(index), left[index], right[index]])
}

const isObject = (value: Json): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Headers that say something; of the stream id only whether it is there. */
const headersThatMatter = [
  "Content-Type",
  "Content-Encoding",
  "Transfer-Encoding",
  "Allow",
  "Location",
  "WWW-Authenticate",
]

const compareHeaders = (recorded: Headers, ours: Headers, ids: Ids): ReadonlyArray<Difference> => {
  const valuesOf = (headers: Headers) => {
    const named = headersThatMatter.flatMap((name) => {
      const value = headerOf(headers, name)
      return value === undefined ? [] : [[name, value] as const]
    })
    const hasStreamId = headerOf(headers, "Mesos-Stream-Id") !== undefined
    return Object.fromEntries([...named, ["Mesos-Stream-Id", hasStreamId]])
  }
  return compareJson({ headers: valuesOf(recorded) }, { headers: valuesOf(ours) }, ids)
}

const parsed = (text: string, contentType: string | undefined): Json => {
  if (contentType !== "application/json") return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A whole reply: status, headers and, unless it is a stream, the body. */
export const compareReply = (recorded: Response, ours: Response, ids: Ids): ReadonlyArray<Difference> => {
  const bodyOf = ({ body, headers }: Response) =>
    parsed(bodyText(body, headers), headerOf(headers, "Content-Type"))
  // Under another status the rest is no comparison of anything.
  if (recorded.status !== ours.status) {
    const first = (response: Response) =>
      `${response.status} ${shown(bodyText(response.body, response.headers))}`
    return [{ path: "status", recorded: first(recorded), ours: first(ours) }]
  }
  return [
    ...compareHeaders(recorded.headers, ours.headers, ids),
    ...(recorded.events === undefined
      ? compareJson({ body: bodyOf(recorded) }, { body: bodyOf(ours) }, ids)
      : []),
  ]
}
