// Role paths, for the checkers: written apart from core/ on purpose.

/** `a/b` → `a`, `a/b`. */
export const pathsTo = (role: string): ReadonlyArray<string> =>
  role.split("/").map((_, index, names) => names.slice(0, index + 1).join("/"))

export const topLevelOf = (role: string): string => role.split("/")[0]!

export const isWithin = (role: string, path: string): boolean => role === path || role.startsWith(`${path}/`)
