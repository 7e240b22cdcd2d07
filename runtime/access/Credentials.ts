import { createHash } from "node:crypto"
import { Effect, Schema } from "effect"
import { readAccessFile } from "./AccessFile.ts"
import { AccessFileError } from "./AccessFileError.ts"

// The principals of a cluster and what proves them: Mesos's own file for `--credentials`, and tokens beside it.

const Credential = Schema.Struct({ principal: Schema.String, secret: Schema.String })
const Token = Schema.Struct({
  principal: Schema.String,
  token: Schema.optional(Schema.String),
  sha256: Schema.optional(Schema.String),
})
const CredentialsFile = Schema.Struct({
  credentials: Schema.optionalWith(Schema.Array(Credential), { default: () => [] }),
  tokens: Schema.optionalWith(Schema.Array(Token), { default: () => [] }),
})

/** What proves a principal, as digests: secrets themselves are not kept. */
export interface Credentials {
  /** SHA-256 of the secret, by principal. */
  readonly secrets: ReadonlyMap<string, Buffer>
  /** Principals by the SHA-256 of their tokens, in hexadecimal digits. */
  readonly tokens: ReadonlyMap<string, string>
}

export const noCredentials: Credentials = { secrets: new Map(), tokens: new Map() }

export const digestOf = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest()

/** A token is the only thing that protects its principal: nobody may be able to try them all. */
const minTokenLength = 32
const principalCharactersMax = 255

const principalProblem = (principal: string): string | undefined => {
  if (principal === "") return "is empty"
  if (principal.length > principalCharactersMax) return `is longer than ${principalCharactersMax} characters`
  // Basic authentication ends the name at the first colon (RFC 7617 §2).
  if (principal.indexOf(":") !== -1)
    return "has a colon, behind which Basic authentication expects the secret"
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return /[\x00-\x1f\x7f]/.test(principal) ? "has a control character" : undefined
}

type Found = { readonly place: string; readonly problem: string }

const readToken = ({ token, sha256 }: typeof Token.Type): string | { readonly problem: string } => {
  if ((token === undefined) === (sha256 === undefined))
    return { problem: "needs either `token` or `sha256`, the digest of one" }
  if (sha256 !== undefined)
    return /^[0-9a-f]{64}$/i.test(sha256)
      ? sha256.toLowerCase()
      : { problem: "has a `sha256` that is not 64 hexadecimal digits" }
  if (!/^[\x21-\x7e]+$/.test(token!))
    return { problem: "has a `token` with blanks or characters that no HTTP header can carry" }
  return token!.length < minTokenLength
    ? { problem: `has a \`token\` of fewer than ${minTokenLength} characters` }
    : digestOf(token!).toString("hex")
}

/** What the file comes to, or what is wrong with it and where. */
export const toCredentials = (file: typeof CredentialsFile.Type): Credentials | Found => {
  const secrets = new Map<string, Buffer>()
  const tokens = new Map<string, string>()
  for (const [index, { principal, secret }] of file.credentials.entries()) {
    const place = `credentials[${index}]`
    const problem = principalProblem(principal)
    if (problem !== undefined) return { place: `${place}.principal`, problem }
    if (secret === "") return { place: `${place}.secret`, problem: "is empty" }
    if (secrets.has(principal)) return { place, problem: `names '${principal}' for the second time` }
    secrets.set(principal, digestOf(secret))
  }
  for (const [index, token] of file.tokens.entries()) {
    const place = `tokens[${index}]`
    const problem = principalProblem(token.principal)
    if (problem !== undefined) return { place: `${place}.principal`, problem }
    const digest = readToken(token)
    if (typeof digest !== "string") return { place, problem: digest.problem }
    if (tokens.has(digest)) return { place, problem: "has the token of another entry" }
    tokens.set(digest, token.principal)
  }
  return secrets.size + tokens.size === 0
    ? { place: "credentials", problem: "and `tokens` name nobody" }
    : { secrets, tokens }
}

const remedy = `write it as {"credentials": [{"principal": "NAME", "secret": "SECRET"}]}, as for Apache Mesos`

/** Reads a private file of principals. */
export const readCredentials = (path: string): Effect.Effect<Credentials, AccessFileError> =>
  Effect.flatMap(readAccessFile(path, CredentialsFile, { isPrivate: true, remedy }), (file) => {
    const read = toCredentials(file)
    return "problem" in read
      ? new AccessFileError({
          path,
          detail: `is no file of credentials: ${read.place} ${read.problem}`,
          remedy,
        })
      : Effect.succeed(read)
  })
