/** How much of a journal's log is kept. Both count; the one that is reached first trims. */
export interface LogBounds {
  /** Events that are kept at least, once there were so many. */
  readonly keepEvents: number
  /** Text that is kept at least, in UTF-16 units: events, and the old rows they are replayed from. */
  readonly keepSize: number
}

/** How many events stay readable unless told otherwise; at about 300 bytes each, some 300 MB. */
export const defaultKeepEvents = 1_000_000

/** How much text of the log stays readable unless told otherwise, in UTF-16 units. */
export const defaultKeepSize = 1024 * 1024 * 1024
