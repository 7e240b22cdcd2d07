import { badRequest } from "../../http/HttpMessage.ts"
import { change } from "./Change.ts"

/** TEARDOWN and `/teardown`: ends a framework with all its tasks. */
export const tearDown = (frameworkId: string) =>
  change((state) =>
    state.frameworks.has(frameworkId)
      ? { type: "TeardownRequested", frameworkId }
      : badRequest("No framework found with specified ID"),
  )
