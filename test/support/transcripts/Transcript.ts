import { existsSync, readdirSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"

// What was recorded with a real Apache Mesos; the format is told in the README of its folder.

const folder = new URL("../../../../shared/mesos-transcripts/", import.meta.url)
export const transcriptsFolder = folder.pathname
export const areTranscriptsThere = existsSync(folder)

export type Headers = ReadonlyArray<readonly [name: string, value: string]>

/** A body that is not UTF-8 is kept in base64. */
export type Body = string | null | { readonly base64: string }

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly body: Body
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol, looked into by tests
export type Json = any

export interface StreamItem {
  readonly at_ms: number
  readonly event: Json
}

export interface Response {
  readonly status: number
  readonly headers: Headers
  readonly body?: Body
  readonly events?: ReadonlyArray<StreamItem>
  readonly closed?: string | null
}

/** Bytes as they went: `>` sent, `<` received in one read. */
export type RawLog = ReadonlyArray<readonly [direction: ">" | "<", seconds: number, text: string]>

export interface Transcript {
  /** Folder and file, without `.json`. */
  readonly name: string
  readonly port: number
  /** Seconds since its recording script began; not there for streams. */
  readonly at_s?: number
  readonly request: Request
  /** A sentence when the connection was closed without a reply. */
  readonly response: Response | string
  readonly log?: RawLog
  /** False when the request ended Mesos's process. */
  readonly process_alive_afterwards?: boolean
}

export const headerOf = (headers: Headers, name: string): string | undefined =>
  headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]

/** When Mesos answered, `HH:MM:SS`; undefined where nothing was kept of it. */
export const clockTimeOf = ({ response }: Transcript): string | undefined =>
  typeof response !== "object" || response === null
    ? undefined
    : headerOf(response.headers, "Date")?.slice(17, 25)

/** The text of a recorded body, unpacked if it was compressed. */
export const bodyText = (body: Body | undefined, headers: Headers): string => {
  if (body === undefined || body === null) return ""
  if (typeof body === "string") return body
  const bytes = Buffer.from(body.base64, "base64")
  return (headerOf(headers, "Content-Encoding") === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8")
}

/** All of them, by name. */
export const readTranscripts = (): ReadonlyMap<string, Transcript> => {
  const transcripts = new Map<string, Transcript>()
  if (!areTranscriptsThere) return transcripts
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name: place } of folders) {
    for (const file of readdirSync(new URL(`${place}/`, folder)).filter((name) => name.endsWith(".json"))) {
      const name = `${place}/${file.replace(/\.json$/, "")}`
      const json = JSON.parse(readFileSync(new URL(`${place}/${file}`, folder), "utf8")) as Transcript
      transcripts.set(name, { ...json, name })
    }
  }
  return transcripts
}
