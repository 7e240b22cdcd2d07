/** Cpus or MiB, as people state them, in the core's thousandths; null stays "find out". */
export const milliOf = (amount: number | null): number | null =>
  amount === null ? null : Math.round(amount * 1000)
