// How a client says who it is, and by what it knows whom it speaks with.

/** A principal of its own, as in Mesos's file for an agent's `--credential`. */
export interface Credential {
  readonly principal: string
  readonly secret: string
}

/** The cluster's secret or a principal's token; or a principal with its secret. */
export type Proof = string | Credential

/** Texts of PEM files. */
export interface ClientTls {
  /** The authorities to trust instead of the well-known ones. */
  readonly ca?: string
  /** Shown to servers that ask for one. */
  readonly cert?: string
  readonly key?: string
}

/** The value of the header Authorization (RFC 6750, RFC 7617). */
export const authorizationOf = (proof: Proof): string =>
  typeof proof === "string"
    ? `Bearer ${proof}`
    : `Basic ${Buffer.from(`${proof.principal}:${proof.secret}`, "utf8").toString("base64")}`
