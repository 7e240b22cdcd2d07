import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { heldResources, heldScalars } from "../../../core/resources/HeldResources.ts"
import { plainToResources, resourcesToPlain } from "../../../core/resources/PlainForm.ts"
import { scalarQuantities } from "../../../core/resources/Resources.ts"
import { anyResources } from "../../support/ResourceGenerators.ts"

describe("what is held, in its plain form", () => {
  it("counts as what the form stands for, also the second time", () => {
    fc.assert(
      fc.property(anyResources, (resources) => {
        const plain = resourcesToPlain(resources)
        for (const _ of [1, 2]) {
          expect(heldResources(plain)).toEqual(plainToResources(plain))
          expect(heldScalars(plain)).toEqual(scalarQuantities(resources))
        }
      }),
    )
  })
})
