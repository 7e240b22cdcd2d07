import { randomBytes } from "node:crypto"
import { closeSync, fsyncSync, linkSync, openSync, unlinkSync, writeFileSync } from "node:fs"
import { Data, Effect, Either, Option, Schema } from "effect"
import type { Proof } from "../http/ClientIdentity.ts"
import { errorCode, isOpenToOthers, modeText, type OpenedFile, readOpenFile } from "./PrivateFile.ts"

type SecretFailure =
  | "Missing"
  | "Unreadable"
  | "Exposed"
  | "Empty"
  | "TooShort"
  | "Malformed"
  | "CannotCreate"

const minSecretLength = 32

const remedyOf = (reason: SecretFailure, path: string): string => {
  switch (reason) {
    case "Missing":
      return "copy the secret file of the master there"
    case "Unreadable":
      return "let the user of this daemon own it"
    case "Exposed":
      return `run \`chmod 600 ${path}\`, and make a new secret if others may have read it`
    case "CannotCreate":
      return "see that its folder exists and that the user of this daemon may write there"
    default:
      return "copy the secret file of the master there, or remove it to have a new one made"
  }
}

/** Why there is no usable secret; the message names the file and the remedy, never the secret. */
export class SecretError extends Data.TaggedError("SecretError")<{
  readonly reason: SecretFailure
  readonly path: string
  readonly detail: string
}> {
  get remedy(): string {
    return remedyOf(this.reason, this.path)
  }
  override get message(): string {
    return `secret file ${this.path} ${this.detail}; ${this.remedy}`
  }
}

/** Reads the cluster's secret; a line ending after it is not part of it. */
export const readSecret = (path: string): Effect.Effect<string, SecretError> =>
  Effect.suspend(() => {
    const fail = (reason: SecretFailure, detail: string) => new SecretError({ reason, path, detail })
    let content: OpenedFile
    try {
      content = readOpenFile(path)
    } catch (error) {
      const code = errorCode(error)
      return code === "ENOENT"
        ? fail("Missing", "does not exist")
        : fail("Unreadable", `cannot be read (${code})`)
    }
    if (isOpenToOthers(content)) return fail("Exposed", `is open to others (mode ${modeText(content)})`)
    const secret = content.text.trim()
    if (secret === "") return fail("Empty", "is empty")
    if (!/^[\x21-\x7e]+$/.test(secret))
      return fail("Malformed", "holds blanks or characters that no HTTP header can carry")
    if (secret.length < minSecretLength)
      return fail("TooShort", `holds ${secret.length} characters, fewer than ${minSecretLength}`)
    return Effect.succeed(secret)
  })

const Credential = Schema.Struct({ principal: Schema.NonEmptyString, secret: Schema.NonEmptyString })
const readCredential = Schema.decodeUnknownOption(Schema.parseJson(Credential))

/** Reads what a client proves itself with: the cluster's secret, a token, or a principal as in Mesos's file for `--credential`. */
export const readProof = (path: string): Effect.Effect<Proof, SecretError> =>
  Effect.gen(function* () {
    const read = yield* Effect.either(readSecret(path))
    // Looks like a malformed or a good secret, depending on its blanks.
    const isReadable =
      Either.isRight(read) || read.left.reason === "Malformed" || read.left.reason === "TooShort"
    const text = isReadable ? readOpenFile(path).text.trim() : ""
    if (text[0] !== "{") return yield* read
    const credential = readCredential(text)
    if (Option.isSome(credential)) return credential.value
    return yield* new SecretError({
      reason: "Malformed",
      path,
      detail: 'is no principal: expecting {"principal": "NAME", "secret": "SECRET"}',
    })
  })

/** Appears whole or not at all, and never replaces what another process has put there meanwhile. */
const createFile = (path: string, content: string) => {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`
  const file = openSync(draft, "wx", 0o600)
  try {
    writeFileSync(file, content)
    fsyncSync(file)
    linkSync(draft, path)
  } finally {
    closeSync(file)
    unlinkSync(draft)
  }
}

/** Reads the secret, or makes one of 32 random bytes (64 hexadecimal digits, mode 0600) where there is none. */
export const ensureSecret = (path: string): Effect.Effect<string, SecretError> =>
  Effect.catchIf(
    readSecret(path),
    (error) => error.reason === "Missing",
    () =>
      Effect.flatMap(
        Effect.try({
          try: () => {
            try {
              createFile(path, `${randomBytes(32).toString("hex")}\n`)
            } catch (error) {
              if (errorCode(error) !== "EEXIST") throw error
            }
          },
          catch: (error) =>
            new SecretError({
              reason: "CannotCreate",
              path,
              detail: `cannot be created (${errorCode(error)})`,
            }),
        }),
        () => readSecret(path),
      ),
  )
