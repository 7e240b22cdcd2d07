import { timingSafeEqual } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import type { Proof } from "../http/ClientIdentity.ts"
import type { Authorizer } from "./Authorizer.ts"
import { administrator, type Caller } from "./Caller.ts"
import { type Credentials, digestOf, noCredentials } from "./Credentials.ts"

/** What a request says of its sender. */
type Claim =
  | { readonly type: "token"; readonly token: string }
  | { readonly type: "pair"; readonly principal: string; readonly secret: string }

const claimIn = (authorization: string): Claim | undefined => {
  const [, scheme = "", credentials = ""] = /^(\S+) +(\S+) *$/.exec(authorization) ?? []
  switch (scheme.toLowerCase()) {
    case "bearer":
      return { type: "token", token: credentials }
    case "basic": {
      const pair = Buffer.from(credentials, "base64").toString("utf8")
      const colon = pair.indexOf(":")
      if (colon === -1) return undefined
      return { type: "pair", principal: pair.slice(0, colon), secret: pair.slice(colon + 1) }
    }
    default:
      return undefined
  }
}

/** Who sent a request with these headers; undefined = they did not prove to be anybody. */
export type Authenticate = (headers: IncomingHttpHeaders) => Caller | undefined

export interface Proofs {
  /** The cluster's: as bearer token, or as the password of any principal, which then acts under that name. Or a principal, for an
   * agent that has no more than that. */
  readonly secret: Proof
  readonly credentials?: Credentials
  /** Judges what principals may do; without one only the cluster's secret opens anything. */
  readonly authorizer?: Authorizer
}

/** Compared with when nobody has the name, so that the time says nothing about which names there are. */
const nobodysDigest = digestOf("")

/**
 * Basic authentication as of Mesos's clients (spec/mesos.md §0.6), and bearer tokens. Digests have one length whatever was
 * sent; a wrong secret takes as long as the right one.
 */
export const makeAuthenticate = ({
  secret,
  credentials = noCredentials,
  authorizer,
}: Proofs): Authenticate => {
  const clusterDigest = digestOf(typeof secret === "string" ? secret : secret.secret)
  const isCluster = (digest: Buffer, principal: string | null) =>
    timingSafeEqual(digest, clusterDigest) && (typeof secret === "string" || secret.principal === principal)
  const known = (principal: string): Caller => ({
    principal,
    isAdministrator: false,
    isAllowed: (action, object) => authorizer?.isAllowed(principal, action, object) ?? false,
  })
  return ({ authorization }) => {
    const claim = authorization === undefined ? undefined : claimIn(authorization)
    if (claim === undefined) return undefined
    if (claim.type === "token") {
      const digest = digestOf(claim.token)
      if (isCluster(digest, null)) return administrator(null)
      const principal = credentials.tokens.get(digest.toString("hex"))
      return principal === undefined ? undefined : known(principal)
    }
    const digest = digestOf(claim.secret)
    const isRight = timingSafeEqual(digest, credentials.secrets.get(claim.principal) ?? nobodysDigest)
    if (isCluster(digest, claim.principal))
      return administrator(claim.principal === "" ? null : claim.principal)
    return isRight && credentials.secrets.has(claim.principal) ? known(claim.principal) : undefined
  }
}

/** For a cluster that asks nobody. */
export const everybodyIsAdministrator: Authenticate = () => administrator(null)
