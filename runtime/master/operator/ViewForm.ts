/**
 * What the older endpoints say: Mesos's members and no others, or with `?gleaner` gleaner's own besides. Tools that were written for
 * Mesos compare, store and validate what they read; what they do not know must not be there unless it is asked for.
 */
export type ViewForm = "mesos" | "gleaner"

export const formOf = (query: URLSearchParams): ViewForm => (query.has("gleaner") ? "gleaner" : "mesos")

/** Members of gleaner's own, where they are asked for. */
export const ownMembers = <A extends object>(form: ViewForm, members: () => A): Partial<A> =>
  form === "gleaner" ? members() : {}
