/** Figures as people read them, the same in the table and in the report. Missing ones are a dash. */

const dash = "–"

/** 0.8664 → `86.6`: percent without the sign, which stands in the column's title. */
export const formatPercent = (share: number | null, digits = 1): string =>
  share === null || Number.isNaN(share) ? dash : (share * 100).toFixed(digits)

/** 1411906 → `1,411,906`. */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",")

/** A host's name and how often it was violated, or a dash when nobody was. */
export const formatWorstHost = (host: string | null, rate: number): string =>
  host === null ? dash : `${host} (${formatPercent(rate, 2)} %)`
