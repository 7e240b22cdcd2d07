import { homedir } from "node:os"
import { join } from "node:path"
import { Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { type DataFolder, dataFolderAt, readJsonFile } from "../DataFolder.ts"
import { readSecret } from "../http/SecretFile.ts"
import type { MasterAccess } from "../mesos/SchedulerClient.ts"
import { CommandFailure } from "./CommandFailure.ts"

/** Root's state belongs to the host; anybody else's into their own home. */
const defaultDataPath = (): string => {
  if (process.env.GLEANER_DATA) return process.env.GLEANER_DATA
  if (process.getuid?.() === 0) return "/var/lib/gleaner"
  return join(process.env.XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "gleaner")
}

export const dataOption = Options.directory("data").pipe(
  Options.withDescription("Data folder; default $GLEANER_DATA, else /var/lib/gleaner for root"),
  Options.withDefault(defaultDataPath()),
  Options.map(dataFolderAt),
)

const masterOption = Options.text("master").pipe(
  Options.withDescription(
    "URL of the master, e.g. http://10.0.0.1:5050; default $GLEANER_MASTER, else the one in the data folder",
  ),
  Options.optional,
)

const secretFileOption = Options.file("secret-file").pipe(
  Options.withDescription("File with the cluster's secret; default: `secret` in the data folder"),
  Options.optional,
)

export const clusterOptions = { data: dataOption, master: masterOption, secretFile: secretFileOption }

export interface ClusterArguments {
  readonly data: DataFolder
  readonly master: Option.Option<string>
  readonly secretFile: Option.Option<string>
}

/** Finds the master and the secret that a command speaks with. */
export const accessCluster = ({
  data,
  master,
  secretFile,
}: ClusterArguments): Effect.Effect<MasterAccess, CommandFailure> =>
  Effect.gen(function* () {
    const url = Option.getOrUndefined(master) ?? process.env.GLEANER_MASTER ?? urlInFolder(data)
    if (url === undefined) {
      return yield* new CommandFailure({
        message: `no master is running from ${data.path}: start one with \`gleaner up\`, or name one with --master URL`,
        exitCode: 1,
      })
    }
    const path = Option.getOrElse(secretFile, () => data.secretFile)
    const secret = yield* readSecret(path).pipe(
      Effect.mapError(({ message }) => new CommandFailure({ message, exitCode: 1 })),
    )
    return { url: url.replace(/\/+$/, ""), secret }
  })

const urlInFolder = (data: DataFolder): string | undefined => {
  const content = readJsonFile(data.masterFile) as { readonly url?: unknown } | undefined
  return typeof content?.url === "string" ? content.url : undefined
}
