/** What a framework demands of a host's attribute (spec/mesos.md §1.12, offer constraints). */
export interface AttributeConstraint {
  readonly selector:
    | { readonly type: "attribute"; readonly name: string }
    | { readonly type: "hostname" | "region" | "zone" }
  readonly predicate:
    | { readonly type: "exists" | "notExists" }
    | { readonly type: "textEquals" | "textNotEquals"; readonly value: string }
    | { readonly type: "textMatches" | "textNotMatches"; readonly regex: string }
}

/** Some group must hold; a group holds when all of it does. */
export type OfferConstraints = ReadonlyArray<ReadonlyArray<AttributeConstraint>>
