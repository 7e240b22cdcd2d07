import { createSecureContext } from "node:tls"
import { Effect } from "effect"
import type { ClientTls } from "../http/ClientIdentity.ts"
import type { ListenerTls } from "../http/ListenerTls.ts"
import { AccessFileError } from "./AccessFileError.ts"
import { errorCode, isChangeableByOthers, isOpenToOthers, modeText, readOpenFile } from "./PrivateFile.ts"

export interface TlsFiles {
  readonly tlsCert: string | null
  readonly tlsKey: string | null
  readonly tlsCa: string | null
}

const fail = (path: string, detail: string, remedy: string) => new AccessFileError({ path, detail, remedy })

/** Throws an AccessFileError. */
const readPem = (path: string, isPrivate: boolean): string => {
  let file: ReturnType<typeof readOpenFile>
  try {
    file = readOpenFile(path)
  } catch (error) {
    const code = errorCode(error)
    throw code === "ENOENT"
      ? fail(path, "does not exist", "name another file")
      : fail(path, `cannot be read (${code})`, "let the user of this daemon own it")
  }
  if (isPrivate && isOpenToOthers(file))
    throw fail(
      path,
      `is open to others (mode ${modeText(file)})`,
      `run \`chmod 600 ${path}\`, and make a new key if others may have read it`,
    )
  if (isChangeableByOthers(file))
    throw fail(path, `can be changed by others (mode ${modeText(file)})`, `run \`chmod go-w ${path}\``)
  if (!/-----BEGIN /.test(file.text)) throw fail(path, "is no PEM file", "expecting -----BEGIN … lines")
  return file.text
}

/** Throws an AccessFileError when they do not belong together, which TLS would say only when somebody connects. */
const check = (path: string, tls: ClientTls): void => {
  try {
    createSecureContext(tls)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw fail(
      path,
      `cannot be used for TLS (${why})`,
      "see that certificate and key belong together and are whole",
    )
  }
}

/** Throws an AccessFileError. */
const readTls = ({ tlsCert, tlsKey, tlsCa }: TlsFiles): ClientTls => {
  if ((tlsCert === null) !== (tlsKey === null))
    throw fail(
      (tlsCert ?? tlsKey)!,
      `is named without its ${tlsCert === null ? "certificate" : "key"}`,
      "name both --tls-cert and --tls-key",
    )
  const tls: ClientTls = {
    ...(tlsCa === null ? {} : { ca: readPem(tlsCa, false) }),
    ...(tlsCert === null ? {} : { cert: readPem(tlsCert, false), key: readPem(tlsKey!, true) }),
  }
  if (tlsCa !== null) check(tlsCa, { ca: tls.ca! })
  if (tlsCert !== null) check(tlsCert, tls)
  return tls
}

const attempt = <A>(read: () => A): Effect.Effect<A, AccessFileError> =>
  Effect.try({
    try: read,
    catch: (error) => {
      if (error instanceof AccessFileError) return error
      throw error
    },
  })

/** What a client trusts, and shows to those who ask; undefined = nothing special. */
export const readClientTls = (files: TlsFiles): Effect.Effect<ClientTls | undefined, AccessFileError> =>
  attempt(() =>
    files.tlsCert === null && files.tlsKey === null && files.tlsCa === null ? undefined : readTls(files),
  )

/** What a daemon serves with; undefined = plain HTTP. */
export const readListenerTls = (
  files: TlsFiles,
  isClientCertRequired: boolean,
): Effect.Effect<ListenerTls | undefined, AccessFileError> =>
  attempt(() => {
    const tls = readTls(files)
    if (isClientCertRequired && (tls.cert === undefined || tls.ca === undefined))
      throw fail(
        "--tls-require-client-cert",
        "has no certificates to judge by",
        "name --tls-cert and --tls-key of this daemon, and in --tls-ca who signs those of its clients",
      )
    return tls.cert === undefined
      ? undefined
      : { cert: tls.cert, key: tls.key!, clientCa: isClientCertRequired ? tls.ca! : undefined }
  })
