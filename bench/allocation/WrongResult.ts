/** What was measured is not what it should be, so its time means nothing. The message says what was wrong. */
export class WrongResult extends Error {
  override readonly name = "WrongResult"
}

export const wrongResult = (message: string): never => {
  throw new WrongResult(message)
}
