import { isGone } from "./KernelErrors.ts"

/**
 * The part of `Kernel` that the kernel answers from memory within microseconds, as plain calls that throw
 * `KernelRefused`: what the order of quotas needs, in the agent below Effect and in the monitor without it.
 */
export interface PlainKernel {
  /** Whole text of a control file. */
  readonly read: (path: string) => string
  /** One write(2) to an existing file. Not for memory files: reclaim may take seconds. */
  readonly write: (path: string, text: string) => void
  /** Names of the groups directly below a group. */
  readonly groups: (path: string) => ReadonlyArray<string>
}

/** Takes a vanished group as an answer: what is gone has no members, no children and no quota. */
export const unlessGone = <A, B>(ask: () => A, fallback: B): A | B => {
  try {
    return ask()
  } catch (error) {
    if (isGone(error)) return fallback
    throw error
  }
}

/** Every group below one, children before parents. */
export const descendants = (kernel: PlainKernel, group: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const name of unlessGone(() => kernel.groups(group), [])) {
    const child = `${group}/${name}`
    for (const below of descendants(kernel, child)) found.push(below)
    found.push(child)
  }
  return found
}
