import { readFileSync } from "node:fs"

/** Names this boot of the host, so that what was true before a reboot is not taken for now; "" where it is not told. */
export const readBootId = (): string => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  } catch {
    return ""
  }
}
