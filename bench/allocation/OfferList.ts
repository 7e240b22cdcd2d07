import type { AllocationScope, Allocations } from "../../core/allocation/Allocator.ts"
import type { Resources } from "../../core/resources/Resources.ts"

/**
 * Offers of one cycle, copied out of the allocator field by field as the recorded driver copies its own (framework, agent, resources):
 * this is a part of what is timed, so nothing can be put off until somebody looks.
 */
export class OfferList {
  private frameworkIds: Array<string> = []
  private roles: Array<string> = []
  private agentIds: Array<string> = []
  private resources: Array<Resources> = []
  count = 0

  take(made: Allocations): void {
    const count = made.count
    for (let index = 0; index < count; index++) {
      const offer = made.at(index)
      this.frameworkIds[index] = offer.frameworkId
      this.roles[index] = offer.role
      this.agentIds[index] = offer.agentId
      this.resources[index] = offer.resources
    }
    this.count = count
  }

  /** To look at later, when this list holds another cycle's. */
  copy(): OfferList {
    const copy = new OfferList()
    copy.count = this.count
    copy.frameworkIds = this.frameworkIds.slice(0, this.count)
    copy.roles = this.roles.slice(0, this.count)
    copy.agentIds = this.agentIds.slice(0, this.count)
    copy.resources = this.resources.slice(0, this.count)
    return copy
  }

  scopeAt(index: number): AllocationScope {
    return {
      frameworkId: this.frameworkIds[index]!,
      role: this.roles[index]!,
      agentId: this.agentIds[index]!,
    }
  }

  resourcesAt(index: number): Resources {
    return this.resources[index]!
  }
}
