import { Data } from "effect"

/** Why a file that says who may do what cannot be used. Names the place; never what is secret there. */
export class AccessFileError extends Data.TaggedError("AccessFileError")<{
  readonly path: string
  readonly detail: string
  readonly remedy: string
}> {
  override get message(): string {
    return `${this.path} ${this.detail}; ${this.remedy}`
  }
}
