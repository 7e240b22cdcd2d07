import { type HttpRefusal, refuse } from "./HttpMessage.ts"

/** Counts what each asks for, so that one cannot keep the daemon from the others. */
export interface RequestRate {
  /** Undefined: it may be served. Otherwise what it is answered instead. */
  readonly take: (key: string) => HttpRefusal | undefined
}

/** Of more than so many at once the one that asked longest ago begins anew. */
const keysMax = 10_000
/** A second's worth twice. */
const burstSeconds = 2

interface Bucket {
  tokens: number
  atMs: number
}

/** A bucket of tokens for each key, filled as time passes. */
export const makeRequestRate = (perSecond: number | null, nowMs: () => number): RequestRate => {
  if (perSecond === null) return { take: () => undefined }
  const capacity = perSecond * burstSeconds
  const buckets = new Map<string, Bucket>()

  const bucketOf = (key: string, atMs: number): Bucket => {
    const known = buckets.get(key)
    const bucket = known ?? { tokens: capacity, atMs }
    // The newest are at the end.
    if (known !== undefined) buckets.delete(key)
    else if (buckets.size >= keysMax) buckets.delete(buckets.keys().next().value as string)
    buckets.set(key, bucket)
    return bucket
  }

  return {
    take: (key) => {
      const atMs = nowMs()
      const bucket = bucketOf(key, atMs)
      bucket.tokens = Math.min(capacity, bucket.tokens + ((atMs - bucket.atMs) / 1_000) * perSecond)
      bucket.atMs = atMs
      if (bucket.tokens >= 1) {
        bucket.tokens -= 1
        return undefined
      }
      const waitSeconds = Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond))
      return refuse(
        429,
        `429 Too Many Requests. More than ${perSecond} a second came from you: try again in ${waitSeconds} s`,
        { "Retry-After": String(waitSeconds) },
      )
    },
  }
}
