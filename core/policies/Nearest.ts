/** Levenshtein's distance: insertions, deletions and replacements that turn one word into the other. */
const editDistance = (from: string, to: string): number => {
  let previous: Array<number> = []
  for (let column = 0; column <= to.length; column++) previous.push(column)
  for (let row = 1; row <= from.length; row++) {
    const current: Array<number> = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = previous[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1))
    }
    previous = current
  }
  return previous[to.length]!
}

/**
 * The known word that a mistyped one most likely meant: fewest edits, first in the list on a tie, and nothing when more
 * than half of the word would have to change.
 */
export const findNearest = (word: string, known: ReadonlyArray<string>): string | undefined => {
  const written = word.toLowerCase().slice(0, 64)
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(written.length / 2)) + 1
  for (const candidate of known) {
    const distance =
      candidate.startsWith(written) && written.length > 1 ? 1 : editDistance(written, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** For a refusal: `, did you mean "window"?`, or nothing when no known word is near. */
export const suggestNearest = (word: string, known: ReadonlyArray<string>): string => {
  const nearest = findNearest(word, known)
  return nearest === undefined ? "" : `, did you mean "${nearest}"?`
}
