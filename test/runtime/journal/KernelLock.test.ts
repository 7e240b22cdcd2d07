import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { isKernelLockHeld, takeKernelLock } from "../../../runtime/journal/KernelLock.ts"

it("is held without a byte on the disk, by one at a time", () => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-kernel-lock-"))
  try {
    const letGo = takeKernelLock(folder)
    expect(letGo).toBeDefined()
    expect(isKernelLockHeld(folder)).toBe(true)
    expect(takeKernelLock(folder)).toBeUndefined()
    expect(readdirSync(folder)).toEqual(["kernel"])
    expect(statSync(join(folder, "kernel")).size).toBe(0)
    letGo?.()
    expect(isKernelLockHeld(folder)).toBe(false)
    takeKernelLock(folder)?.()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
