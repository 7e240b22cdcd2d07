import type { Quantities } from "../resources/Quantities.ts"
import type { AllocatorAgent } from "./Allocator.ts"
import type { AllocationClient, AllocationView, HoldingsOn } from "./Explain/AllocationView.ts"
import { anybodyIn, clientAsker, type Refusal, refusalOf } from "./Explain/Asker.ts"
import { groupHosts, groupsText, type HostAnswer, type HostGroup, type NameOf } from "./Explain/HostGroups.ts"
import { HostJudge } from "./Explain/HostJudge.ts"
import type { HostVerdict } from "./HostVerdict.ts"

/** Why does a framework get no offers, or why does a task not fit? Framework or role must be given. */
export interface Question {
  /** Null = anybody in the role: constraints, filters and capabilities of frameworks do not count. */
  readonly frameworkId: string | null
  /** Null = each role of the framework. */
  readonly role: string | null
  /** What a task wants, in milli-units, ranges and sets by number of items × 1000; nothing = any offer. */
  readonly wanted: Quantities
  readonly nowMs: number
}

/** For one role. */
export interface RoleAnswer {
  readonly frameworkId: string | null
  readonly role: string | null
  /** Why no host need be asked; null = the groups tell. */
  readonly refusal: Refusal | null
  /** Hosts that say the same, the largest group first. */
  readonly groups: ReadonlyArray<HostGroup>
  /** What holds besides, whatever the hosts say. */
  readonly remark: string | null
  /** All of it in words: `12 hosts: short of mem by 1.2–3.5 GiB; 3: filtered for 4 s more`. */
  readonly text: string
}

/** What those who ask know beyond the books. */
export interface Background {
  readonly holdingsOn: HoldingsOn | null
  readonly nameOf: NameOf
}

const noBackground: Background = { holdingsOn: null, nameOf: (frameworkId) => frameworkId }

/**
 * Says for each host the first stage that refuses it (`HostVerdict.ts`), and sums it up in words. It changes nothing. What it says of a
 * host is what a cycle would do that began now with this host and in which nobody else wanted offers; who does, and comes
 * first in the fair order, is the last stage.
 */
export const explain = (
  view: AllocationView,
  question: Question,
  background: Background = noBackground,
): ReadonlyArray<RoleAnswer> => {
  const explainer = new Explainer(view, question, background)
  while (!explainer.advance(Number.POSITIVE_INFINITY)) {
    // Until all hosts are asked.
  }
  return explainer.answers()
}

/** The same piece by piece, for whoever must not be kept busy by a hundred thousand hosts. */
export class Explainer {
  private readonly parts: ReadonlyArray<RolePart>
  private readonly agentIds: ReadonlyArray<string>
  private next = 0

  constructor(
    private readonly view: AllocationView,
    question: Question,
    private readonly background: Background = noBackground,
  ) {
    this.parts = partsOf(view, question, background)
    this.agentIds = this.parts.some(({ judge }) => judge !== null) ? view.agentIds() : []
  }

  /** Asks about so many more times, each host once for each role; true when all are asked. */
  advance(questions: number): boolean {
    const asking = this.parts.filter(({ judge }) => judge !== null).length
    const hostCount = Math.max(1, Math.floor(questions / Math.max(1, asking)))
    const end = Math.min(this.agentIds.length, this.next + hostCount)
    for (; this.next < end; this.next++) {
      const agent = this.view.agent(this.agentIds[this.next]!)
      if (agent === undefined) continue
      const { agentId, hostname } = agent
      for (const { judge, hosts } of this.parts) {
        if (judge !== null) hosts.push({ agentId, hostname, verdict: judge(agent) })
      }
    }
    return this.next >= this.agentIds.length
  }

  answers(): ReadonlyArray<RoleAnswer> {
    const { nameOf } = this.background
    return this.parts.map(({ frameworkId, role, refusal, remark, hosts }) => {
      const answer = { frameworkId, role, refusal, remark, groups: [] }
      if (refusal !== null) return { ...answer, text: refusalText(refusal, frameworkId, nameOf) }
      if (hosts.length === 0) return { ...answer, text: "there are no hosts" }
      const groups = groupHosts(hosts, frameworkId === null, nameOf)
      return { ...answer, groups, text: groupsText(groups) + (remark === null ? "" : `; but ${remark}`) }
    })
  }
}

/** The question for one role. */
interface RolePart {
  readonly frameworkId: string | null
  readonly role: string | null
  readonly refusal: Refusal | null
  readonly remark: string | null
  /** Null when there is a refusal. */
  readonly judge: ((agent: AllocatorAgent) => HostVerdict) | null
  readonly hosts: Array<HostAnswer>
}

const partsOf = (
  view: AllocationView,
  question: Question,
  background: Background,
): ReadonlyArray<RolePart> => {
  const { frameworkId, role } = question
  if (frameworkId === null) return role === null ? [] : [anybodysPart(view, role, question, background)]
  const framework = view.framework(frameworkId)
  const roles =
    role !== null
      ? [role]
      : framework === undefined || framework.roles.length === 0
        ? [undefined]
        : framework.roles
  return roles.map((one): RolePart => {
    const refusal = refusalOf(framework, one)
    const part = { frameworkId, role: one === undefined ? null : one, refusal, remark: null, hosts: [] }
    if (refusal !== null || framework === undefined || one === undefined) return { ...part, judge: null }
    const asker = clientAsker(view, framework, one)
    const judge = new HostJudge(view, asker, question.wanted, question.nowMs, background.holdingsOn)
    const isOwn = (client: AllocationClient) => client.frameworkId === frameworkId && client.role === one
    return { ...part, judge: behindOthers(view, judge, clientsBefore(view, isOwn), question.nowMs) }
  })
}

const anybodysPart = (
  view: AllocationView,
  role: string,
  { wanted, nowMs }: Question,
  { holdingsOn }: Background,
): RolePart => {
  const judge = new HostJudge(view, anybodyIn(view, role), wanted, nowMs, holdingsOn)
  const isOfRole = (client: AllocationClient) => client.role === role
  const hasTaker = view.fairOrder().some(isOfRole)
  const before = hasTaker ? clientsBefore(view, isOfRole) : []
  return {
    frameworkId: null,
    role,
    refusal: null,
    remark: hasTaker ? null : `no framework wants offers for role ${role}`,
    judge: behindOthers(view, judge, before, nowMs),
    hosts: [],
  }
}

/** More clients than these who come first are not asked for a host: 32 that all pass it by are rare, and each costs time. */
const rivalsAsked = 32

const clientsBefore = (
  view: AllocationView,
  isMeant: (client: AllocationClient) => boolean,
): ReadonlyArray<AllocationClient> => {
  const order = view.fairOrder()
  const place = order.findIndex(isMeant)
  return order.slice(0, Math.min(rivalsAsked, Math.max(0, place)))
}

/** Of a host that would be offered: asks those who come first whether it would be offered to them. */
const behindOthers = (
  view: AllocationView,
  judge: HostJudge,
  before: ReadonlyArray<AllocationClient>,
  nowMs: number,
): ((agent: AllocatorAgent) => HostVerdict) => {
  const rivals = before.map(({ frameworkId, role }) => {
    const asker = clientAsker(view, view.framework(frameworkId)!, role)
    return { client: { frameworkId, role }, judge: new HostJudge(view, asker, {}, nowMs, null) }
  })
  return (agent) => {
    const verdict = judge.judge(agent)
    if (verdict.stage !== "offered") return verdict
    const rival = rivals.find((other) => other.judge.judge(agent).stage === "offered")
    return rival === undefined ? verdict : { stage: "behind", first: rival.client }
  }
}

const refusalText = (refusal: Refusal, frameworkId: string | null, nameOf: NameOf): string => {
  const framework = `framework ${frameworkId === null ? "" : nameOf(frameworkId)}`
  switch (refusal.reason) {
    case "unknownFramework":
      return `${framework} is not known`
    case "inactiveFramework":
      return `${framework} is not connected, so it gets no offers`
    case "noRoles":
      return `${framework} is subscribed to no role`
    case "notSubscribed":
      return `${framework} is not subscribed to role ${refusal.role}`
    case "suppressed":
      return `${framework} has suppressed offers for role ${refusal.role}`
  }
}
