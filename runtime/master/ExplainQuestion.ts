import type { MasterState } from "../../core/master/State.ts"
import { isResourceName, type Quantities, toQuantities } from "../../core/resources/Quantities.ts"
import { roleProblem } from "../mesos/FrameworkInfo.ts"
import { unitsToMilli } from "../mesos/Resources.ts"

/** What `GET /explain` is asked: `?framework=ID&role=R&cpus=2&mem=4096&ports=1&hosts=all`. */
export interface ExplainQuestion {
  readonly frameworkId: string | null
  readonly role: string | null
  readonly wanted: Quantities
  /** Every host with its verdict, rather than some names of each group. */
  readonly isEveryHostListed: boolean
}

export interface QuestionProblem {
  readonly status: 400 | 404
  readonly sentence: string
}

/** Reads the parameters; a framework may be given by its id, or by a name that only one has. */
export const readQuestion = (
  query: URLSearchParams,
  state: MasterState,
): ExplainQuestion | QuestionProblem => {
  for (const name of new Set(query.keys())) {
    if (query.getAll(name).length > 1) return problem(`parameter ${name} is given more than once`)
  }
  const framework = query.get("framework")
  const role = query.get("role")
  if (framework === null && role === null) {
    return problem("name a framework or a role: /explain?framework=ID, /explain?role=NAME&cpus=2&mem=4096")
  }
  if (role === "") return problem("role must not be empty")
  const badRole = role === null ? undefined : roleProblem(role)
  if (badRole !== undefined) return problem(badRole)
  const hosts = query.get("hosts")
  if (hosts !== null && hosts !== "all") return problem(`hosts=${hosts}: only hosts=all is known`)
  const frameworkId = framework === null ? null : findFramework(framework, state)
  if (frameworkId !== null && typeof frameworkId !== "string") return frameworkId
  const wanted = readAmounts(query, state)
  if ("sentence" in wanted) return wanted
  return { frameworkId, role, wanted: wanted.amounts, isEveryHostListed: hosts === "all" }
}

const problem = (sentence: string): QuestionProblem => ({ status: 400, sentence })

const findFramework = (text: string, { frameworks }: MasterState): string | QuestionProblem => {
  if (frameworks.has(text)) return text
  const ids = Array.from(frameworks.values())
    .filter(({ info }) => info.name === text)
    .map(({ id }) => id)
    .sort()
  if (ids.length === 1) return ids[0]!
  return ids.length === 0
    ? { status: 404, sentence: `no framework has the id or the name ${text}` }
    : problem(
        `${ids.length} frameworks are called ${text}: name one by its id, ${ids.slice(0, 5).join(", ")}`,
      )
}

const usualNames: ReadonlyArray<string> = ["cpus", "mem", "disk", "gpus", "ports"]

/** Every other parameter is a resource in Mesos's units, of ranges and sets the number of items. */
const readAmounts = (
  query: URLSearchParams,
  state: MasterState,
): { readonly amounts: Quantities } | QuestionProblem => {
  const pairs: Array<readonly [name: string, milli: number]> = []
  for (const [name, text] of query) {
    if (name === "framework" || name === "role" || name === "hosts") continue
    const isKnown = usualNames.includes(name) || (isResourceName(name) && isOnSomeHost(name, state))
    if (!isKnown) return problem(`${name} is no parameter, and no host has a resource of that name`)
    const milli = text.trim() === "" ? undefined : unitsToMilli(Number(text))
    if (milli === undefined) return problem(`${name}=${text} is no amount: write a number such as ${name}=2`)
    pairs.push([name, milli])
  }
  return { amounts: toQuantities(pairs) }
}

const isOnSomeHost = (name: string, { agents }: MasterState): boolean =>
  Array.from(agents.values()).some(({ total }) => total.some(({ kind }) => kind.name === name))
