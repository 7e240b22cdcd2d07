import { Effect } from "effect"
import { badRequest, type HttpReply, notFound } from "../http/HttpMessage.ts"
import { get } from "../http/Routes.ts"
import { filesLengthMax, filesPath } from "../protocol/FilesProtocol.ts"
import { readSandboxFile } from "./Sandbox.ts"

/** Sandboxes' files, bytes as they are (see FilesProtocol.ts). */
export const makeFilesRoutes = (sandboxRoot: string) => [
  get(filesPath, (request) =>
    Effect.gen(function* () {
      const query = request.query()
      const path = query.get("path")
      const offset = toWhole(query.get("offset"), 0)
      const length = toWhole(query.get("length"), filesLengthMax)
      if (path === null || path === "") return yield* badRequest("Expecting 'path=value' in query.")
      if (offset === undefined || length === undefined) {
        return yield* badRequest("'offset' and 'length' must be whole numbers from 0 on")
      }
      const bytes = yield* readSandboxFile(sandboxRoot, path, offset, Math.min(length, filesLengthMax)).pipe(
        Effect.mapError((error) => (error.isMissing ? notFound(error.message) : badRequest(error.message))),
      )
      const reply: HttpReply = {
        _tag: "FullReply",
        status: 200,
        headers: { "Content-Type": "application/octet-stream" },
        body: bytes,
      }
      return reply
    }),
  ),
]

const toWhole = (text: string | null, whenAbsent: number): number | undefined => {
  if (text === null) return whenAbsent
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
