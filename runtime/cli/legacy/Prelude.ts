import { performance } from "node:perf_hooks"
import { TextDecoder, TextEncoder } from "node:util"

// What Node 10 lacks of the language's library, for the legacy bundle. It runs before anything else of it, and leaves
// alone what is there. Found by leaving entries out one by one (spec/stack.md §4c).

// biome-ignore lint/suspicious/noExplicitAny: the point is that these are not what their types say
type Loose = any

const world = global as Loose

const define = (holder: Loose, name: string, value: unknown): void => {
  if (holder[name] === undefined) {
    Object.defineProperty(holder, name, { value, writable: true, configurable: true, enumerable: false })
  }
}

define(world, "globalThis", world)
define(world, "TextEncoder", TextEncoder)
define(world, "TextDecoder", TextDecoder)
define(world, "performance", performance)
define(world, "queueMicrotask", (task: () => void) => {
  Promise.resolve()
    .then(task)
    .catch((error) =>
      setTimeout(() => {
        throw error
      }),
    )
})

const flatten = (list: Loose, depth: number): Array<unknown> => {
  const flat: Array<unknown> = []
  for (let at = 0; at < list.length; at++) {
    if (!(at in list)) continue
    if (Array.isArray(list[at]) && depth >= 1) flat.push(...flatten(list[at], depth - 1))
    else flat.push(list[at])
  }
  return flat
}

function at(this: Loose, index: number) {
  const whole = Math.trunc(index) || 0
  return this[whole < 0 ? this.length + whole : whole]
}

define(Array.prototype, "flat", function (this: Loose, depth = 1) {
  return flatten(this, depth)
})
define(Array.prototype, "flatMap", function (this: Loose, toItems: Loose, self: Loose) {
  return flatten(this.map(toItems, self), 1)
})
define(Array.prototype, "at", at)
define(String.prototype, "at", at)
define(Object.getPrototypeOf(Uint8Array.prototype), "at", at)

define(Object, "fromEntries", (entries: Iterable<readonly [string, unknown]>) => {
  const object: { [name: string]: unknown } = {}
  for (const [name, value] of Array.from(entries)) {
    Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: true })
  }
  return object
})
// Taken out first: written at one go, formatters turn it into the very function that is missing.
const isOwn = Object.prototype.hasOwnProperty
define(Object, "hasOwn", (object: object, name: PropertyKey) => isOwn.call(object, name))

define(String.prototype, "matchAll", function* (this: string, pattern: RegExp) {
  if (pattern.flags.indexOf("g") === -1) throw new TypeError("matchAll needs a global pattern")
  const own = new RegExp(pattern.source, pattern.flags)
  own.lastIndex = pattern.lastIndex
  for (let match = own.exec(this); match !== null; match = own.exec(this)) {
    if (match[0] === "") own.lastIndex++
    yield match
  }
})
define(String.prototype, "replaceAll", function (this: string, searched: Loose, replacement: Loose) {
  if (searched instanceof RegExp) {
    if (searched.flags.indexOf("g") === -1) throw new TypeError("replaceAll needs a global pattern")
    return this.replace(searched, replacement)
  }
  const pattern = new RegExp(String(searched).replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "g")
  return this.replace(pattern, replacement)
})

define(Promise, "allSettled", (promises: Iterable<unknown>) =>
  Promise.all(
    Array.from(promises, (promise) =>
      Promise.resolve(promise).then(
        (value) => ({ status: "fulfilled", value }),
        (reason) => ({ status: "rejected", reason }),
      ),
    ),
  ),
)

/** As much of AbortSignal as fibers use: one event, told once. */
class OwnAbortSignal {
  aborted = false
  reason: unknown
  onabort: ((event: object) => void) | null = null
  readonly listeners = new Map<Loose, boolean>()

  addEventListener(_type: "abort", listener: Loose, options?: { readonly once?: boolean }): void {
    this.listeners.set(listener, options !== undefined && options.once === true)
  }
  removeEventListener(_type: "abort", listener: Loose): void {
    this.listeners.delete(listener)
  }
  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }
  tell(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason === undefined ? new Error("This operation was aborted") : reason
    const event = { type: "abort", target: this }
    if (this.onabort !== null) this.onabort(event)
    for (const [listener, isOnce] of Array.from(this.listeners)) {
      if (isOnce) this.listeners.delete(listener)
      if (typeof listener === "function") listener.call(this, event)
      else listener.handleEvent(event)
    }
  }
}

class OwnAbortController {
  readonly signal = new OwnAbortSignal()
  abort(reason?: unknown): void {
    this.signal.tell(reason)
  }
}

define(world, "AbortSignal", OwnAbortSignal)
define(world, "AbortController", OwnAbortController)
