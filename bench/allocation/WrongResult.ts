/** What was measured is not what it should be, so its time means nothing. The message says what was wrong. */
export class WrongResult extends Error {
  override readonly name = "WrongResult"
}

export const wrongResult = (message: string): never => {
  throw new WrongResult(message)
}

/** Runs a check; what it finds wrong is said with its place in front. */
export const checkAt = (place: string, check: () => void): void => {
  try {
    check()
  } catch (error) {
    if (error instanceof WrongResult) wrongResult(`${place}: ${error.message}`)
    throw error
  }
}
