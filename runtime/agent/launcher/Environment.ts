/** Quotes a text so that every POSIX sh reads it back unchanged, newlines included. */
export const shellQuote = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`

const isShellName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)

/** Variables that every shell sets by itself; launch.sh drops those that the task was not given. */
const shellOwn: ReadonlySet<string> = new Set(["_", "SHLVL", "PWD", "OLDPWD"])

/**
 * The environment as the shell text that launch.sh reads from a descriptor. Names that no shell can export (`a.b`) go
 * through env(1) right before exec, where for an instant other users can see them; all others never show up in argv.
 * Returns the name that cannot be passed at all, as a refusal.
 */
export const environmentToShell = (
  environment: Readonly<Record<string, string>>,
): { readonly text: string } | { readonly unfit: string } => {
  const names = Object.keys(environment)
  const unfit = names.find(
    (name) => name === "" || name.includes("=") || name.includes("\0") || environment[name]!.includes("\0"),
  )
  if (unfit !== undefined) return { unfit }
  const exports = names
    .filter(isShellName)
    .map((name) => `export ${name}=${shellQuote(environment[name]!)}\n`)
  const odd = names
    .filter((name) => !isShellName(name))
    .map((name) => ` ${shellQuote(`${name}=${environment[name]}`)}`)
  const keep = names.filter((name) => shellOwn.has(name)).join(" ")
  // The function's arguments: env, its -u options, then the command; odd names must come between the last two, so env
  // runs env when there are any.
  const start = odd.length === 0 ? `exec "$@"` : `exec "$1"${odd.join("")} "$@"`
  return { text: `${exports.join("")}keep=${shellQuote(keep)}\nwith_odd_names() { ${start}; }\n` }
}
