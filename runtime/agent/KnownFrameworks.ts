import type { FrameworkFacts } from "../protocol/AgentProtocol.ts"

/** What the master has told of frameworks, for those who ask this agent. In memory: it tells again after each registration. */
export interface KnownFrameworks {
  readonly find: (frameworkId: string) => FrameworkFacts | undefined
  readonly tell: (frameworks: ReadonlyArray<FrameworkFacts>) => void
}

/** Kept at most; beyond it those go of which nothing is here any more. */
export const knownFrameworksMax = 200

/** `isAsked`: whether anything of it can still be asked for. */
export const makeKnownFrameworks = (isAsked: (frameworkId: string) => boolean): KnownFrameworks => {
  const known = new Map<string, FrameworkFacts>()
  return {
    find: (frameworkId) => known.get(frameworkId),
    tell: (frameworks) => {
      for (const framework of frameworks) known.set(framework.id, framework)
      if (known.size <= knownFrameworksMax) return
      const told = new Set(frameworks.map(({ id }) => id))
      for (const id of [...known.keys()]) if (!told.has(id) && !isAsked(id)) known.delete(id)
    },
  }
}
