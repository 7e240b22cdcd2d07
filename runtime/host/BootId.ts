import { readFileSync } from "node:fs"

/** Names the time since the host's last start (random(4)); pids and start times mean something within it only. */
export const readBootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
