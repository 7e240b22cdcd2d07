import { readdirSync, readFileSync } from "node:fs"

/** O_CLOEXEC of every Linux that gleaner runs on, as fdinfo shows it (proc(5)). */
const closeOnExec = 0o2000000

/**
 * Descriptors above 2 that every child of this process gets without being given them: whoever started it forgot to
 * close them, and they may lead anywhere. Node marks only some of them as its own at its start. Kernels before 3.1 show
 * the flag as of the opening, so a few harmless ones may be among them. Empty where there is no /proc.
 */
export const findInheritedDescriptors = (): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (const name of namesIn("/proc/self/fd")) {
    const fd = Number(name)
    if (fd > 2 && !isClosedOnExec(fd)) found.push(fd)
  }
  return found.sort((one, other) => one - other)
}

const namesIn = (path: string): ReadonlyArray<string> => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

const isClosedOnExec = (fd: number): boolean => {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))
    return flags === null || (Number.parseInt(flags[1]!, 8) & closeOnExec) !== 0
  } catch {
    return true // closed already: it was the one that listed the folder
  }
}

/**
 * The highest descriptor that is covered. A child's table must hold twice as much for a moment, and hosts may allow 1,024.
 */
export const coveredDescriptorMax = 511

/**
 * Puts /dev/null in the place of inherited descriptors behind those that are given. An open one, because "ignore" does
 * so only up to descriptor 2 and leaves others as they are; and not closed, because POSIX shells can close 0 to 9 only.
 */
export const coverInherited = (
  given: ReadonlyArray<number | "ignore">,
  inherited: ReadonlyArray<number>,
  devNull: number,
): Array<number | "ignore"> => {
  const stdio = [...given]
  for (const fd of inherited) {
    if (fd < given.length || fd > coveredDescriptorMax) continue
    while (stdio.length < fd) stdio.push("ignore")
    stdio.push(devNull)
  }
  return stdio
}
