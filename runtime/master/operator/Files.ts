import { Effect, Option } from "effect"
import { type HttpRefusal, notFound, refuse } from "../../http/HttpMessage.ts"
import { makeFileCalls, type ShownFile } from "../../mesos/FileCalls.ts"
import { DaemonLogFile } from "../../OwnLog.ts"

// The one file that a master shows: its own log, as `/master/log` (LIST_FILES, READ_FILE, `/files/*`). Paths are names in a table of
// one, never places on the disk: no path leads anywhere else. Without a log file nothing is there, as in a Mesos master without
// `--log_dir` (transcripts operator/LIST_FILES, legacy/*_files_browse_path_master_log).

const logPath = "/master/log"

const fileAt = (path: string): Effect.Effect<ShownFile, HttpRefusal> =>
  Effect.flatMap(DaemonLogFile, (log) =>
    Option.isSome(log) && path.replace(/\/+$/, "") === logPath
      ? Effect.succeed({
          name: "log",
          read: (offset: number, length: number) =>
            Effect.mapError(log.value.read(offset, length), ({ message }) => refuse(500, message)),
        })
      : notFound(""),
  )

export const {
  listFiles,
  readFile,
  routes: filesRoutes,
} = makeFileCalls({
  fileAt,
  // The log is a file, in which nothing lies.
  listAt: (path) => Effect.as(fileAt(path), []),
  names: Effect.map(DaemonLogFile, (log) => (Option.isNone(log) ? {} : { [logPath]: log.value.path })),
})
