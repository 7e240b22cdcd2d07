/**
 * Why a volume cannot be mounted there; undefined when it can. A path within the sandbox, and nothing else (law L7): it comes from a
 * framework, and becomes a link made by the agent.
 */
export const containerPathProblem = (path: string): string | undefined => {
  if (path === "") return "The container path must not be empty"
  if (path.charAt(0) === "/") return `The container path '${path}' must be relative to the sandbox`
  if (path.length > 1_024) return "The container path must not be longer than 1024 characters"
  for (const part of path.split("/")) {
    if (part === "" || part === "." || part === "..") {
      return `The container path '${path}' must not have '.', '..' or empty parts`
    }
  }
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index)
    if (code < 32 || code === 127) return "The container path must not contain control characters"
  }
  return undefined
}
