// A naive model of core/allocation/InverseOffers.ts over few agents and frameworks.

export const agents = ["a", "b", "c"]
export const frameworks = ["f", "g"]
/** Lists of facts, searched from end to end. */
export class InverseOfferModel {
  windows: Array<{ agentId: string; at: number | null }> = []
  open: Array<{ id: string; frameworkId: string; agentId: string }> = []
  answers: Array<{ frameworkId: string; agentId: string; type: string; wallMs: number }> = []
  filters: Array<{ frameworkId: string; agentId: string; untilMs: number }> = []
  next = 1

  take(isTaken: (pair: { frameworkId: string; agentId: string }) => boolean) {
    const taken = this.open.filter(isTaken)
    this.open = this.open.filter((offer) => !isTaken(offer))
    return taken.map(({ id }) => id).sort()
  }

  set(agentId: string, at: number | null) {
    const before = this.windows.find((window) => window.agentId === agentId)
    if ((before === undefined ? null : before.at) === at) return []
    this.windows = this.windows.filter((window) => window.agentId !== agentId)
    if (at !== null) this.windows.push({ agentId, at })
    this.answers = this.answers.filter((answer) => answer.agentId !== agentId)
    this.filters = this.filters.filter((filter) => filter.agentId !== agentId)
    return this.take((offer) => offer.agentId === agentId)
  }

  update(nowMs: number, isHolder: (agentId: string, frameworkId: string) => boolean) {
    this.filters = this.filters.filter(({ untilMs }) => untilMs > nowMs)
    const rescinded = this.take(({ agentId, frameworkId }) => !isHolder(agentId, frameworkId))
    const made: Array<string> = []
    for (const agentId of agents) {
      if (!this.windows.some((window) => window.agentId === agentId)) continue
      for (const frameworkId of frameworks) {
        const isThis = (pair: { frameworkId: string; agentId: string }) =>
          pair.agentId === agentId && pair.frameworkId === frameworkId
        if (!isHolder(agentId, frameworkId) || this.open.some(isThis) || this.filters.some(isThis)) continue
        const id = `i${this.next++}`
        this.open.push({ id, frameworkId, agentId })
        made.push(id)
      }
    }
    return { rescinded, made }
  }
}
