/**
 * States what is logically certain at this point. It stays on in production: a broken law must stop the daemon,
 * which then restarts from its journal, instead of letting it decide on a wrong state (design §2, law 4).
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BrokenInvariant(message)
}

/** Thrown by {@link assert}; nothing in `core/` catches it. */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant"
}
