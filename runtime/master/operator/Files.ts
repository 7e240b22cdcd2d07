import { Effect, Option } from "effect"
import {
  badRequest,
  type HttpRefusal,
  type HttpReply,
  jsonReply,
  notFound,
  refuse,
} from "../../http/HttpMessage.ts"
import { get, type Route } from "../../http/Routes.ts"
import { DaemonLogFile, type LogFileError, type OwnLog } from "../../OwnLog.ts"

// The one file that a master shows: its own log, as `/master/log` (LIST_FILES, READ_FILE, `/files/*`). Paths are names in a table of
// one, never places on the disk: no path leads anywhere else. Without a log file nothing is there, as in a Mesos master without
// `--log_dir` (transcripts operator/LIST_FILES, legacy/*_files_browse_path_master_log).

const logPath = "/master/log"

/** Of one READ_FILE or `/files/read`: sixteen pages, as in Mesos. */
const readBytesMax = 16 * 4096

/** Of one `/files/download`, which is held in memory. */
const downloadBytesMax = 16 * 1024 * 1024

const fileAt = (path: string): Effect.Effect<OwnLog, HttpRefusal> =>
  Effect.flatMap(DaemonLogFile, (log) =>
    Option.isSome(log) && path.replace(/\/+$/, "") === logPath ? Effect.succeed(log.value) : notFound(""),
  )

const unreadable = ({ message }: LogFileError): HttpRefusal => refuse(500, message)

/** LIST_FILES, `/files/browse`: what lies in a folder. There is none; the log is a file, in which nothing lies. */
export const listFiles = (path: string): Effect.Effect<HttpReply, HttpRefusal> =>
  Effect.as(fileAt(path), jsonReply({ type: "LIST_FILES", list_files: {} }))

/** READ_FILE. Without a length, or with a larger one, as much as one answer holds. */
export const readFile = (
  path: string,
  offset: number,
  length: number | undefined,
): Effect.Effect<HttpReply, HttpRefusal> =>
  Effect.map(readPart(path, offset, length), ({ size, bytes }) =>
    jsonReply({ type: "READ_FILE", read_file: { size, data: bytes.toString("base64") } }),
  )

const readPart = (path: string, offset: number, length = readBytesMax) =>
  Effect.flatMap(fileAt(path), (file) =>
    Effect.mapError(file.read(offset, Math.min(length, readBytesMax)), unreadable),
  )

const pathOf = (query: URLSearchParams): Effect.Effect<string, HttpRefusal> => {
  const path = query.get("path")
  return path === null || path === ""
    ? badRequest("Expecting 'path=value' in query.\n")
    : Effect.succeed(path)
}

/** A whole number from −1 on, which stands for none; undefined = not said. */
const wholeOf = (query: URLSearchParams, name: string): Effect.Effect<number | undefined, HttpRefusal> => {
  const text = query.get(name)
  if (text === null) return Effect.succeed(undefined)
  if (!/^-?\d{1,15}$/.test(text))
    return badRequest(`Failed to parse ${name}: Failed to convert '${text}' to number.\n`)
  return Number(text) < -1
    ? badRequest(`Negative ${name} provided: ${text}.\n`)
    : Effect.succeed(Number(text) === -1 ? undefined : Number(text))
}

/** `/files/read?path=&offset=&length=`; without an offset only where the end is, from which a page goes on. */
const read = (query: URLSearchParams) =>
  Effect.gen(function* () {
    const path = yield* pathOf(query)
    const offset = yield* wholeOf(query, "offset")
    const length = yield* wholeOf(query, "length")
    const { size, bytes } = yield* readPart(path, offset ?? 0, offset === undefined ? 0 : length)
    return jsonReply({ data: bytes.toString("utf8"), offset: offset ?? size })
  })

const download = (query: URLSearchParams) =>
  Effect.gen(function* () {
    const file = yield* fileAt(yield* pathOf(query))
    const { size, bytes } = yield* Effect.mapError(file.read(0, downloadBytesMax), unreadable)
    if (size > downloadBytesMax) {
      return yield* badRequest(
        `${logPath} has ${size} bytes, and at most ${downloadBytesMax} are sent at once: read it in parts, by /files/read?path=${logPath}&offset=0`,
      )
    }
    const reply: HttpReply = {
      _tag: "FullReply",
      status: 200,
      headers: {
        "Content-Disposition": "attachment; filename=log",
        "Content-Type": "application/octet-stream",
      },
      body: bytes,
    }
    return reply
  })

const browse = (query: URLSearchParams) =>
  Effect.flatMap(pathOf(query), (path) => Effect.as(fileAt(path), jsonReply([])))

/** Which names there are, and what they stand for. */
const debug = Effect.map(DaemonLogFile, (log) =>
  jsonReply(Option.isNone(log) ? {} : { [logPath]: log.value.path }),
)

export const filesRoutes: ReadonlyArray<Route> = [
  get("/files/browse", ({ query }) => browse(query())),
  get("/files/read", ({ query }) => read(query())),
  get("/files/download", ({ query }) => download(query())),
  get("/files/debug", () => debug),
]
