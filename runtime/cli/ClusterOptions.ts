import { Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { readSettings } from "../config/ReadSettings.ts"
import { section } from "../config/Section.ts"
import { dataSetting, masterUrlSetting, secretFileSetting } from "../config/sections/SharedSettings.ts"
import { tlsClientSettings } from "../config/sections/TlsSettings.ts"
import { dataFolderAt } from "../DataFolder.ts"
import type { MasterAccess } from "../mesos/SchedulerClient.ts"
import { findCluster } from "./ClusterAccess.ts"
import { type CommandFailure, refuseInput } from "./CommandFailure.ts"

// How the commands that speak with a cluster find it. What their flags do not say is found as the daemons find it.

export const clusterOptions = {
  data: Options.directory("data").pipe(
    Options.withDescription("Data folder; default $GLEANER_DATA, else /var/lib/gleaner for root"),
    Options.optional,
  ),
  master: Options.text("master").pipe(
    Options.withDescription(
      "URL of the master, e.g. http://10.0.0.1:5050; default $GLEANER_MASTER, else the one in the data folder",
    ),
    Options.optional,
  ),
  secretFile: Options.file("secret-file").pipe(
    Options.withDescription("File with the cluster's secret; default: `secret` in the data folder"),
    Options.optional,
  ),
  tlsCa: Options.file("tls-ca").pipe(
    Options.withDescription(
      "PEM file of those who sign the certificates of this cluster; default $GLEANER_TLS_CA, else the well-known authorities",
    ),
    Options.optional,
  ),
}

export interface ClusterArguments {
  readonly data: Option.Option<string>
  readonly master: Option.Option<string>
  readonly secretFile: Option.Option<string>
  readonly tlsCa: Option.Option<string>
}

/** Finds the master and the secret that a command speaks with. */
export const accessCluster = (args: ClusterArguments): Effect.Effect<MasterAccess, CommandFailure> =>
  Effect.flatMap(readShared, ({ data, master, secretFile, ...tls }) =>
    findCluster({
      data: Option.match(args.data, { onNone: () => data, onSome: dataFolderAt }),
      master: Option.getOrElse(args.master, () => master),
      secretFile: Option.getOrElse(args.secretFile, () => secretFile),
      tls: { ...tls, tlsCa: Option.getOrElse(args.tlsCa, () => tls.tlsCa) },
    }),
  )

/** What file and environment say to every command. */
const readShared = Effect.suspend(() => {
  const settings = {
    data: dataSetting,
    master: masterUrlSetting,
    secretFile: secretFileSetting,
    ...tlsClientSettings,
  }
  const reading = readSettings(
    section({ name: "client", command: "", summary: "", examples: [], settings }),
    [],
  )
  if (reading._tag === "Settled") {
    const { values } = reading.settled
    return Effect.succeed({ ...values, data: dataFolderAt(values.data) })
  }
  return refuseInput(reading._tag === "Refused" ? reading.problems.join("\n") : "")
})
