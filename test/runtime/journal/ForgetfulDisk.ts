import { basename } from "node:path"
import type { DurableFiles, OpenFile } from "../../../runtime/journal/DurableFiles.ts"

// A disk for crash tests, with one folder: only the last part of a path counts. It counts every operation, stops for good before the one that it is told to, and then shows
// what a host would find after it: after kill −9 everything that was written, after a loss of power only what was
// synchronised, with any part of the rest.

interface Content {
  bytes: Buffer
  synced: Buffer
}

/** How much of what was not synchronised a loss of power leaves. */
export type Loss = "process" | "nothing" | "half" | "zeros"

export class ForgetfulDisk {
  /** Operations until the crash. */
  left = Number.POSITIVE_INFINITY
  renames = 0
  /** Bytes that the disk still takes. */
  freeBytes = Number.POSITIVE_INFINITY
  /** Completes when it stops. */
  readonly stopped: Promise<void>
  private onStop = () => {}
  private names = new Map<string, Content>()
  private syncedNames = new Map<string, Content>()

  constructor() {
    this.stopped = new Promise((resolve) => {
      this.onStop = resolve
    })
  }

  bytesOf(path: string): Buffer {
    return this.names.get(basename(path))!.bytes
  }

  put(path: string, bytes: Buffer): void {
    this.names.set(basename(path), { bytes, synced: bytes })
    this.syncedNames = new Map(this.names)
  }

  /** Never settles once the disk has stopped: nobody is there any more to hear of it. */
  private async step(): Promise<void> {
    if (this.left-- > 0) return
    this.onStop()
    return new Promise(() => {})
  }

  readonly files: DurableFiles = {
    read: async (path) => {
      await this.step()
      const found = this.names.get(basename(path))
      return found === undefined ? undefined : Buffer.from(found.bytes)
    },
    create: async (path) => {
      await this.step()
      const content: Content = { bytes: Buffer.alloc(0), synced: Buffer.alloc(0) }
      this.names.set(basename(path), content)
      return this.openFile(content)
    },
    open: async (path) => {
      await this.step()
      return this.openFile(this.names.get(basename(path))!)
    },
    rename: async (from, to) => {
      await this.step()
      this.renames++
      this.freeBytes += this.names.get(basename(to))?.bytes.length ?? 0
      this.names.set(basename(to), this.names.get(basename(from))!)
      this.names.delete(basename(from))
    },
    remove: async (path) => {
      await this.step()
      this.freeBytes += this.names.get(basename(path))?.bytes.length ?? 0
      this.names.delete(basename(path))
    },
    syncFolder: async () => {
      await this.step()
      this.syncedNames = new Map(this.names)
    },
  }

  private openFile(content: Content): OpenFile {
    return {
      write: async (bytes, position) => {
        // A crash may also come in the middle.
        for (const part of [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)]) {
          await this.step()
          const at = part === bytes ? position : position + (part.byteOffset - bytes.byteOffset)
          const taken = part.subarray(0, Math.max(0, this.freeBytes))
          this.freeBytes -= taken.length
          content.bytes = Buffer.concat([content.bytes.subarray(0, at), taken])
          if (taken.length < part.length)
            throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" })
        }
      },
      truncate: async (size) => {
        await this.step()
        this.freeBytes += content.bytes.length - size
        content.bytes = content.bytes.subarray(0, size)
      },
      sync: async () => {
        await this.step()
        content.synced = content.bytes
      },
      close: async () => {},
    }
  }

  /** The host is there again. */
  restart(loss: Loss): void {
    this.left = Number.POSITIVE_INFINITY
    if (loss === "process") return
    const keep = ({ bytes, synced }: Content): Content => {
      const rest = bytes.subarray(0, synced.length).equals(synced)
        ? bytes.subarray(synced.length)
        : Buffer.alloc(0)
      const half = rest.subarray(0, rest.length >> 1)
      // Sizes and data reach a disk apart, so a hole of zeros may lie in the middle of what was not synchronised.
      const left =
        loss === "half"
          ? half
          : loss === "zeros"
            ? Buffer.concat([Buffer.alloc(half.length), rest.subarray(half.length)])
            : rest.subarray(0, 0)
      const found = Buffer.concat([synced, left])
      return { bytes: found, synced: found }
    }
    // A rename that was not synchronised may have reached the disk all the same.
    const names = loss === "nothing" ? this.syncedNames : this.names
    this.names = new Map([...names].map(([name, content]) => [name, keep(content)]))
    this.syncedNames = new Map(this.names)
  }
}
