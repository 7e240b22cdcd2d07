import { HostFileUnreadable } from "./HostFile.ts"

/** Memory of the host, KiB. */
export interface MemoryUse {
  readonly totalKiB: number
  /** What could be had without swapping: the kernel's own estimate, or the formula of spec/legacy-kernel.md. */
  readonly availableKiB: number
}

/** The number of one `Name:   123 kB` line; NaN when it is not there. */
const readKiB = (text: string, name: string): number => {
  const label = `${name}:`
  let at = text.startsWith(label) ? 0 : text.indexOf(`\n${label}`)
  if (at < 0) return Number.NaN
  if (text.charCodeAt(at) === 10) at += 1
  const end = text.indexOf(" kB", at)
  return end < 0 ? Number.NaN : Number(text.slice(at + label.length, end))
}

/**
 * Reads /proc/meminfo. Before MemAvailable (3.14; el6.6): MemFree + Buffers + Cached + SReclaimable − Shmem. Shmem is in
 * Cached and cannot be dropped; kernels before 2.6.32 do not tell it and are not supported.
 * Throws {@link HostFileUnreadable} naming the file.
 */
export const parseMemoryUse = (text: string, path = "/proc/meminfo"): MemoryUse => {
  const need = (name: string): number => {
    const value = readKiB(text, name)
    if (value >= 0) return value
    throw new HostFileUnreadable(path, `it has no line "${name}: … kB"`)
  }
  const totalKiB = need("MemTotal")
  const told = readKiB(text, "MemAvailable")
  const availableKiB =
    told >= 0
      ? told
      : need("MemFree") + need("Buffers") + need("Cached") + need("SReclaimable") - need("Shmem")
  return { totalKiB, availableKiB: Math.max(0, Math.min(availableKiB, totalKiB)) }
}
