import { type NumberByName, numberOf } from "../../NumberByName.ts"

/**
 * Which of two roles comes first by priority: positive when the left one does, 0 when neither. Priorities rank siblings, so what counts
 * is where the paths part: of `ads/live` and `ads/batch` those of the two, of `ads/live` and `web/batch` those of `ads` and
 * `web`. A role beside its own child is a leaf of priority 0 (spec/mesos.md §1.4, virtual leaf).
 */
export const comparePriorities = (priorities: NumberByName, left: string, right: string): number => {
  if (left === right) return 0
  const leftNames = left.split("/")
  const rightNames = right.split("/")
  let depth = 0
  while (depth < leftNames.length && leftNames[depth] === rightNames[depth]) depth++
  return priorityAt(priorities, leftNames, depth) - priorityAt(priorities, rightNames, depth)
}

const priorityAt = (priorities: NumberByName, names: ReadonlyArray<string>, depth: number): number =>
  depth === names.length ? 0 : numberOf(priorities, names.slice(0, depth + 1).join("/"), 0)
