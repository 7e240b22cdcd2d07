import { Effect } from "effect"
import {
  badRequest,
  type HttpRefusal,
  type HttpReply,
  type HttpRequest,
  jsonReply,
} from "../http/HttpMessage.ts"
import { get, type Route } from "../http/Routes.ts"

// LIST_FILES, READ_FILE and `/files/*` of masters and agents (spec/mesos.md §3.7), over what each of them shows. Paths are names of
// what is shown, never places on the disk.

/** One that is shown. */
export interface ShownFile {
  /** As a download is called. */
  readonly name: string
  /** Up to `length` bytes from `offset` on; none from the end on. */
  readonly read: (
    offset: number,
    length: number,
  ) => Effect.Effect<{ readonly size: number; readonly bytes: Buffer }, HttpRefusal>
}

/** What lies in a folder that is shown. */
export interface ListedFile {
  readonly path: string
  /** With the bits of its kind, as of stat(2). */
  readonly mode: number
  readonly nlink: number
  readonly size: number
  readonly modifiedWallMs: number
  /** Names of user and group. */
  readonly uid: string
  readonly gid: string
}

export interface ShownFiles<R = never> {
  readonly fileAt: (path: string) => Effect.Effect<ShownFile, HttpRefusal, R>
  readonly listAt: (path: string) => Effect.Effect<ReadonlyArray<ListedFile>, HttpRefusal, R>
  /** Which names there are, and what they stand for. */
  readonly names: Effect.Effect<{ readonly [name: string]: string }, never, R>
}

/** Of one READ_FILE or `/files/read`: sixteen pages, as in Mesos. */
const readBytesMax = 16 * 4096

/** Of one `/files/download`, which is held in memory. */
const downloadBytesMax = 16 * 1024 * 1024

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

/** Bits of stat(2); a map, since formatters turn octal keys of an object into other numbers. */
const kinds: ReadonlyMap<number, string> = new Map([
  [0o040000, "d"],
  [0o120000, "l"],
  [0o010000, "p"],
  [0o140000, "s"],
  [0o020000, "c"],
  [0o060000, "b"],
])

/** As `ls -l` writes it. */
export const modeToText = (mode: number): string =>
  (kinds.get(mode & 0o170000) ?? "-") +
  [6, 3, 0]
    .map((shift) => {
      const bits = (mode >> shift) & 7
      return (bits & 4 ? "r" : "-") + (bits & 2 ? "w" : "-") + (bits & 1 ? "x" : "-")
    })
    .join("")

const listedView = ({ path, mode, nlink, size, modifiedWallMs, uid, gid }: ListedFile) => ({
  ...{ gid, mode: modeToText(mode), mtime: Math.floor(modifiedWallMs / 1000), nlink, path, size, uid },
})

const listedToWire = ({ path, mode, nlink, size, modifiedWallMs, uid, gid }: ListedFile) => ({
  ...{ path, nlink, size },
  mtime: { nanoseconds: Math.floor(modifiedWallMs) * 1e6 },
  ...{ mode, uid, gid },
})

export const makeFileCalls = <R>({ fileAt, listAt, names }: ShownFiles<R>) => {
  const readPart = (path: string, offset: number, length = readBytesMax) =>
    Effect.flatMap(fileAt(path), (file) => file.read(offset, Math.min(length, readBytesMax)))

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
      const path = yield* pathOf(query)
      const file = yield* fileAt(path)
      const { size, bytes } = yield* file.read(0, downloadBytesMax)
      if (size > downloadBytesMax) {
        return yield* badRequest(
          `${path} has ${size} bytes, and at most ${downloadBytesMax} are sent at once: read it in parts, by /files/read?path=${path}&offset=0`,
        )
      }
      const reply: HttpReply = {
        _tag: "FullReply",
        status: 200,
        headers: {
          "Content-Disposition": `attachment; filename=${headerText(file.name)}`,
          "Content-Type": "application/octet-stream",
        },
        body: bytes,
      }
      return reply
    })

  const browse = (query: URLSearchParams) =>
    Effect.flatMap(pathOf(query), (path) =>
      Effect.map(listAt(path), (files) => jsonReply(files.map(listedView))),
    )

  const routes: ReadonlyArray<Route<R>> = [
    get("/files/browse", ({ query }: HttpRequest) => browse(query())),
    get("/files/read", ({ query }: HttpRequest) => read(query())),
    get("/files/download", ({ query }: HttpRequest) => download(query())),
    get("/files/debug", () => Effect.map(names, (known) => jsonReply(known))),
  ]

  return {
    /** LIST_FILES. */
    listFiles: (path: string) =>
      Effect.map(listAt(path), (files) =>
        jsonReply({
          type: "LIST_FILES",
          list_files: files.length === 0 ? {} : { file_infos: files.map(listedToWire) },
        }),
      ),
    /** READ_FILE. Without a length, or with a larger one, as much as one answer holds. */
    readFile: (path: string, offset: number, length: number | undefined) =>
      Effect.map(readPart(path, offset, length), ({ size, bytes }) =>
        jsonReply({ type: "READ_FILE", read_file: { size, data: bytes.toString("base64") } }),
      ),
    routes,
  }
}

/** A task names its files as it likes; a header holds no line ends and nothing beyond ASCII. */
const headerText = (name: string): string => name.replace(/[^\x20-\x7e]|["\\;]/g, "_")
