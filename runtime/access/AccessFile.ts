import { Effect, type ParseResult, Schema } from "effect"
import { ArrayFormatter } from "effect/ParseResult"
import { AccessFileError } from "./AccessFileError.ts"
import {
  errorCode,
  isChangeableByOthers,
  isOpenToOthers,
  modeText,
  type OpenedFile,
  readOpenFile,
} from "./PrivateFile.ts"

interface Reading {
  /** Others may not even read it. */
  readonly isPrivate: boolean
  /** What its content should be like. */
  readonly remedy: string
}

/** Far more than any rules need. */
const bytesMax = 4 * 1024 * 1024

/** Where in the file, and what was expected there. Never what stands there: it may be a secret. */
const placeOf = (error: ParseResult.ParseError): string => {
  const [issue] = ArrayFormatter.formatErrorSync(error)
  const place = (issue?.path ?? []).map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
  return `${place.join("").replace(/^\./, "") || "the whole"} ${issueText(issue?.message ?? "is wrong")}`
}

const issueText = (message: string): string => {
  if (message === "is missing") return message
  const expected = /^Expected (.*?), actual /s.exec(message)?.[1]
  return expected === undefined ? message.replace(/, actual .*$/s, "") : `should be ${expected}`
}

const syntaxPlace = (text: string, error: unknown): string => {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")
  return position === null ? "" : ` (line ${text.slice(0, Number(position[1])).split("\n").length})`
}

/** Reads a JSON file that says who may do what. Unknown members are refused: a misspelt rule would protect nothing. */
export const readAccessFile = <A, I>(
  path: string,
  schema: Schema.Schema<A, I>,
  { isPrivate, remedy }: Reading,
): Effect.Effect<A, AccessFileError> =>
  Effect.suspend(() => {
    const fail = (detail: string, how: string = remedy) => new AccessFileError({ path, detail, remedy: how })
    let file: OpenedFile
    try {
      file = readOpenFile(path)
    } catch (error) {
      const code = errorCode(error)
      return code === "ENOENT"
        ? fail("does not exist", "name another file")
        : fail(`cannot be read (${code})`, "let the user of this daemon own it")
    }
    if (isPrivate && isOpenToOthers(file))
      return fail(
        `is open to others (mode ${modeText(file)})`,
        `run \`chmod 600 ${path}\`, and make new secrets if others may have read it`,
      )
    if (isChangeableByOthers(file))
      return fail(`can be changed by others (mode ${modeText(file)})`, `run \`chmod go-w ${path}\``)
    if (file.text.length > bytesMax) return fail(`is longer than ${bytesMax} bytes`)
    let json: unknown
    try {
      json = JSON.parse(file.text)
    } catch (error) {
      return fail(`is no JSON${syntaxPlace(file.text, error)}`)
    }
    return Effect.mapError(Schema.decodeUnknown(schema, { onExcessProperty: "error" })(json), (error) =>
      fail(`does not have its form: ${placeOf(error)}`),
    )
  })
