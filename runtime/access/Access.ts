import { Effect } from "effect"
import type { Proof } from "../http/ClientIdentity.ts"
import { AccessFileError } from "./AccessFileError.ts"
import { readAcls } from "./AclsFile.ts"
import { type Authenticate, everybodyIsAdministrator, makeAuthenticate } from "./Authentication.ts"
import { makeAuthorizer, noAcls } from "./Authorizer.ts"
import { noCredentials, readCredentials } from "./Credentials.ts"
import { ensureSecret, type SecretError } from "./SecretFile.ts"

export interface RuleFiles {
  readonly credentialsFile: string | null
  readonly aclsFile: string | null
}

export interface AccessOptions extends RuleFiles {
  /** The cluster's secret; made when there is none. */
  readonly secretFile: string
  readonly isAuthenticated: boolean
}

/** Reads who there is and what they may do. Files that would protect nothing are refused. */
export const readAccess = ({
  secretFile,
  isAuthenticated,
  credentialsFile,
  aclsFile,
}: AccessOptions): Effect.Effect<Authenticate, SecretError | AccessFileError> =>
  Effect.gen(function* () {
    const secret = yield* ensureSecret(secretFile)
    if (!isAuthenticated) {
      const useless = credentialsFile ?? aclsFile
      if (useless === null) return everybodyIsAdministrator
      return yield* new AccessFileError({
        path: useless,
        detail: "would protect nothing while authentication is off",
        remedy: "leave out --no-authentication, or the files of principals and rules",
      })
    }
    return yield* readRules(secret, { credentialsFile, aclsFile })
  })

/** For an agent: whoever has its own proof, and principals of files of its own. */
export const readAgentAccess = ({
  proof,
  ...files
}: RuleFiles & { readonly proof: Proof | undefined }): Effect.Effect<Authenticate, AccessFileError> =>
  proof === undefined ? Effect.succeed(everybodyIsAdministrator) : readRules(proof, files)

const readRules = (secret: Proof, { credentialsFile, aclsFile }: RuleFiles) =>
  Effect.gen(function* () {
    const credentials = credentialsFile === null ? noCredentials : yield* readCredentials(credentialsFile)
    const acls = aclsFile === null ? noAcls : yield* readAcls(aclsFile)
    if (credentialsFile !== null) {
      const principals = new Set([...credentials.secrets.keys(), ...credentials.tokens.values()]).size
      yield* Effect.logInfo("principals may ask, beside those with the cluster's secret").pipe(
        Effect.annotateLogs({
          principals,
          credentials: credentialsFile,
          rules: aclsFile ?? "none: each of them may do all but register agents",
          otherwise: acls.isPermissive ? "permitted" : "forbidden",
        }),
      )
    }
    return makeAuthenticate({ secret, credentials, authorizer: makeAuthorizer(acls) })
  })
