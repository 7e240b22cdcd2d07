/**
 * Lets an option take several values at once, as shells expand globs: `--trace a b` becomes `--trace a --trace b`.
 * A value ends the run when it begins with a dash; nothing after `--` is touched.
 */
export const spreadVariadicOptions = (
  argv: ReadonlyArray<string>,
  names: ReadonlyArray<string>,
): ReadonlyArray<string> => {
  const spread: Array<string> = []
  /** The option whose values are being read, and whether it has one already. */
  let open: string | undefined
  let hasValue = false
  for (const [index, word] of argv.entries()) {
    if (word === "--") return [...spread, ...argv.slice(index)]
    if (word.startsWith("-") && word !== "-") {
      const name = names.find((candidate) => word === candidate || word.startsWith(`${candidate}=`))
      open = name
      hasValue = name !== undefined && word !== name
    } else if (open !== undefined) {
      if (hasValue) spread.push(open)
      hasValue = true
    }
    spread.push(word)
  }
  return spread
}
