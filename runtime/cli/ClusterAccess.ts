import { Effect } from "effect"
import { readProof } from "../access/SecretFile.ts"
import { readClientTls, type TlsFiles } from "../access/TlsFiles.ts"
import { type DataFolder, readJsonFile } from "../DataFolder.ts"
import type { MasterAccess } from "../mesos/SchedulerClient.ts"
import { CommandFailure } from "./CommandFailure.ts"

export interface ClusterPlace {
  readonly data: DataFolder
  /** Null = the one that the data folder names. */
  readonly master: string | null
  /** Null = the one in the data folder. */
  readonly secretFile: string | null
  /** Whom to trust, and what to show. */
  readonly tls: TlsFiles
}

/** Finds the master and the secret that a command speaks with. */
export const findCluster = ({
  data,
  master,
  secretFile,
  tls: tlsFiles,
}: ClusterPlace): Effect.Effect<MasterAccess, CommandFailure> =>
  Effect.gen(function* () {
    const url = master ?? urlInFolder(data)
    if (url === undefined) {
      return yield* new CommandFailure({
        message: `no master is running from ${data.path}: start one with \`gleaner up\`, or name one with --master URL`,
        exitCode: 1,
      })
    }
    const secret = yield* readProof(secretFile ?? data.secretFile).pipe(
      Effect.mapError(({ message }) => new CommandFailure({ message, exitCode: 1 })),
    )
    const tls = yield* readClientTls(tlsFiles).pipe(
      Effect.mapError(({ message }) => new CommandFailure({ message, exitCode: 1 })),
    )
    return { url: url.replace(/\/+$/, ""), secret, tls }
  })

const urlInFolder = (data: DataFolder): string | undefined => {
  const content = readJsonFile(data.masterFile) as { readonly url?: unknown } | undefined
  return typeof content?.url === "string" ? content.url : undefined
}
