import { HostFileUnreadable } from "./HostFile.ts"

/** A file with one whole number from 0 up, as cpuacct.usage. Throws {@link HostFileUnreadable}. */
export const parseCounter = (text: string, path: string): number => {
  const trimmed = text.trim()
  if (/^\d+$/.test(trimmed)) return Number(trimmed)
  throw new HostFileUnreadable(path, `"${trimmed.slice(0, 40)}" is not a whole number`)
}

/**
 * Page cache of a cgroup and all below it, from memory.stat: what the kernel can drop, and what the host's own figure
 * does not count as used. Newer kernels tell shared memory (in total_cache, cannot be dropped) apart; older ones tell
 * it only by the lists that pages are on. Throws {@link HostFileUnreadable}.
 */
export const parsePageCacheBytes = (text: string, path: string): number => {
  const shmem = readStat(text, "total_shmem")
  const cache = readStat(text, "total_cache")
  if (shmem >= 0 && cache >= 0) return Math.max(0, cache - shmem)
  const listed = readStat(text, "total_inactive_file") + readStat(text, "total_active_file")
  if (listed >= 0) return listed
  throw new HostFileUnreadable(
    path,
    "it has neither total_cache with total_shmem nor total_inactive_file with total_active_file",
  )
}

const readStat = (text: string, name: string): number => {
  const at = text.indexOf(`\n${name} `)
  if (at < 0) return Number.NaN
  const end = text.indexOf("\n", at + 1)
  return Number(text.slice(at + name.length + 2, end < 0 ? text.length : end))
}
