/**
 * Why a text is no role that something can be reserved for (spec/mesos.md §1.8); null when it is one. `*` is none: it stands for
 * everybody.
 */
export const roleProblem = (role: string): string | null => {
  if (role === "") return "an empty text is no role"
  if (role === "*") return "* stands for everybody, nothing can be reserved for it: leave the role out"
  for (const component of role.split("/")) {
    if (component === "") return `role '${role}' starts, ends or doubles a slash`
    if (component === "." || component === ".." || component === "*") {
      return `role '${role}' has a component '${component}': use a name`
    }
    if (component.charAt(0) === "-") return `role '${role}' has a component that begins with a dash`
    if (/[\s\p{Cc}]/u.test(component)) return `role '${role}' contains whitespace or control characters`
  }
  return null
}
