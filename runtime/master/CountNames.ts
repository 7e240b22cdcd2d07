/** How often each name occurs. */
export const countNames = (names: Iterable<string>): ((name: string) => number) => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return (name) => counts.get(name) ?? 0
}
