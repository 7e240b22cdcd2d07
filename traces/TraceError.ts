import { Data } from "effect"

/** One line of a recording cannot be used; `--bad-lines=skip` would have counted and skipped it. */
export class BadTraceLine extends Data.TaggedError("BadTraceLine")<{
  /** File, or file and member of an archive. */
  readonly place: string
  readonly line: number
  readonly reason: string
}> {
  override get message(): string {
    return `${this.place}:${this.line}: ${this.reason}. Mend the line, or skip and count such lines with --bad-lines=skip`
  }
}

/** A path, file or archive cannot be used as a whole. */
export class UnreadableTrace extends Data.TaggedError("UnreadableTrace")<{
  readonly place: string
  readonly reason: string
  readonly remedy: string
}> {
  override get message(): string {
    return `${this.place}: ${this.reason}. ${this.remedy}`
  }
}

export type TraceError = BadTraceLine | UnreadableTrace
