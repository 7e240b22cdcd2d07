import { readFileSync } from "node:fs"
import { basename, sep } from "node:path"
import { Effect, Option } from "effect"
import { agentLogPath } from "../../access/AgentRules.ts"
import { badRequest, type HttpRefusal, notFound, refuse } from "../../http/HttpMessage.ts"
import { type ListedFile, makeFileCalls, type ShownFile } from "../../mesos/FileCalls.ts"
import { DaemonLogFile, type OwnLog } from "../../OwnLog.ts"
import { listSandboxFolder, readSandboxPart, type SandboxFileError } from "../Sandbox.ts"

// What an agent shows: sandboxes, under the path that `/state` tells as an executor's `directory` or the virtual one
// (`/frameworks/<framework>/executors/<executor>/runs/latest`), and its own log as `/slave/log`.

/** In Mesos's words: nothing at all. */
const refusalOf = (error: SandboxFileError): HttpRefusal =>
  error.isMissing ? notFound("") : badRequest(error.message)

/** The part of the path that is the same wherever the agent's folder lies; undefined = it lies in no sandbox. */
const virtualPathOf = (sandboxRoot: string, path: string): string | undefined => {
  const inside = path.startsWith(sandboxRoot + sep) ? path.slice(sandboxRoot.length) : path
  return inside.startsWith("/frameworks/") ? inside.replace(/\/+$/, "") : undefined
}

const logFile = (log: OwnLog): ShownFile => ({
  name: "log",
  read: (offset, length) => Effect.mapError(log.read(offset, length), ({ message }) => refuse(500, message)),
})

/** Names by number, as far as this host's own files know them. */
const namesIn = (path: string): ReadonlyMap<string, string> => {
  try {
    const lines = readFileSync(path, "utf8").split("\n")
    return new Map(
      lines.map((line) => {
        const [name = "", , number = ""] = line.split(":")
        return [number, name] as const
      }),
    )
  } catch {
    return new Map()
  }
}

export const makeSandboxFileCalls = (sandboxRoot: string) => {
  const sandboxFile = (virtualPath: string): ShownFile => ({
    name: basename(virtualPath),
    read: (offset, length) =>
      Effect.mapError(readSandboxPart(sandboxRoot, virtualPath, offset, length), refusalOf),
  })

  const fileAt = (path: string): Effect.Effect<ShownFile, HttpRefusal> =>
    Effect.flatMap(DaemonLogFile, (log) => {
      if (Option.isSome(log) && path.replace(/\/+$/, "") === agentLogPath)
        return Effect.succeed(logFile(log.value))
      const virtualPath = virtualPathOf(sandboxRoot, path)
      return virtualPath === undefined ? notFound("") : Effect.succeed(sandboxFile(virtualPath))
    })

  const listFolder = (path: string, virtualPath: string) =>
    Effect.map(listSandboxFolder(sandboxRoot, virtualPath), (entries): ReadonlyArray<ListedFile> => {
      const [users, groups] = [namesIn("/etc/passwd"), namesIn("/etc/group")]
      const nameIn = (names: ReadonlyMap<string, string>, id: number) => names.get(String(id)) ?? String(id)
      return entries.map(({ name, stats }) => ({
        path: `${path.replace(/\/+$/, "")}/${name}`,
        ...{ mode: stats.mode, nlink: stats.nlink, size: stats.size, modifiedWallMs: stats.mtimeMs },
        uid: nameIn(users, stats.uid),
        gid: nameIn(groups, stats.gid),
      }))
    })

  /** In a file lies nothing. */
  const listAt = (path: string): Effect.Effect<ReadonlyArray<ListedFile>, HttpRefusal> => {
    const virtualPath = virtualPathOf(sandboxRoot, path)
    if (virtualPath === undefined) return Effect.as(fileAt(path), [])
    return Effect.catchAll(listFolder(path, virtualPath), (error) =>
      error.isMissing
        ? refusalOf(error)
        : Effect.as(
            Effect.flatMap(fileAt(path), (file) => file.read(0, 0)),
            [],
          ),
    )
  }

  const names = Effect.map(DaemonLogFile, (log) => ({
    "/frameworks": `${sandboxRoot}/frameworks`,
    ...(Option.isNone(log) ? {} : { [agentLogPath]: log.value.path }),
  }))

  return makeFileCalls({ fileAt, listAt, names })
}

export type SandboxFileCalls = ReturnType<typeof makeSandboxFileCalls>
