import { makeAuthenticate } from "../../../runtime/access/Authentication.ts"
import { type Acls, makeAuthorizer, type Rule } from "../../../runtime/access/Authorizer.ts"
import { type Credentials, digestOf } from "../../../runtime/access/Credentials.ts"
import { secret } from "../MasterFixture.ts"

// The set-up with passwords, as the README of the transcripts describes it: admin may do all; alice may register and reserve in role
// web, run as root, and unreserve what is hers; bob may see role web.

const credentials: Credentials = {
  secrets: new Map(["admin", "alice", "bob"].map((name) => [name, digestOf(`${name}pw`)])),
  tokens: new Map(),
}

const forAdmin: Rule = { principals: ["admin"], objects: "ANY" }

const acls: Acls = {
  isPermissive: false,
  rules: {
    register_frameworks: [forAdmin, { principals: ["alice"], objects: ["web"] }],
    run_tasks: [forAdmin, { principals: ["alice"], objects: ["root"] }],
    teardown_frameworks: [forAdmin],
    update_weights: [forAdmin],
    reserve_resources: [forAdmin, { principals: ["alice"], objects: ["web"] }],
    unreserve_resources: [forAdmin, { principals: ["alice"], objects: ["alice"] }],
    view_roles: [forAdmin, { principals: ["bob"], objects: ["web"] }],
  },
}

export const authenticateAsRecorded = makeAuthenticate({
  secret,
  credentials,
  authorizer: makeAuthorizer(acls),
})
