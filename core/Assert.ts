/**
 * States what is logically certain at this point. It stays on in production: a broken law must stop the daemon,
 * which then restarts from its journal, instead of letting it decide on a wrong state (design §2, law 4).
 *
 * @param message a function where the place is hot: making a text that nobody reads was a tenth to a quarter of placing a task
 */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new BrokenInvariant(typeof message === "string" ? message : message())
}

/** Thrown by {@link assert}; nothing in `core/` catches it. */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant"
}
