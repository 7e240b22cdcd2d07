import { Effect, Either } from "effect"
import { describe, expect, it } from "vitest"
import { resourcesToText } from "../../../core/resources/Resources.ts"
import { lentResources } from "../../../runtime/agent/LentResources.ts"

const lent = (resources: string | null, more: { cpuMilli?: number; memMilli?: number } = {}) =>
  Effect.runPromise(
    Effect.either(
      Effect.map(
        lentResources({ folder: "/", cpuMilli: 1_500, memMilli: 64_000, resources, ...more }),
        (found) => resourcesToText(found).replace(/disk:[\d.]+/, "disk:N"),
      ),
    ),
  ).then(Either.match({ onLeft: ({ message }) => message, onRight: (text) => text }))

describe("what an agent lends", () => {
  it.each([
    [null, "cpus:1.5; disk:N; mem:64; ports:[31000-32000]"],
    ["cpus:4", "cpus:4; disk:N; mem:64; ports:[31000-32000]"],
    // A static reservation is all of that name; whoever wants unreserved ones too says so.
    ["mem(ads):32;cpus:1", "cpus:1; disk:N; mem(set apart for ads):32; ports:[31000-32000]"],
    ["ports:[]", "cpus:1.5; disk:N; mem:64"],
    ["ports:[1-9];zones:{a}", "cpus:1.5; disk:N; mem:64; ports:[1-9]; zones:{a}"],
    [
      '[{"name":"cpus","type":"SCALAR","scalar":{"value":2},"role":"ads"}]',
      "cpus(set apart for ads):2; disk:N; mem:64; ports:[31000-32000]",
    ],
  ])("%s with the host's own for what is not named: %s", async (said, text) => {
    expect(await lent(said)).toBe(text)
  })

  it("says where it is not understood, and what to write", async () => {
    expect(await lent("cpus:4;mem")).toBe(
      "--resources: resource 2 'mem': there is no colon: write name:value or name(role):value",
    )
  })
})
