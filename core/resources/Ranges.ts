/**
 * Whole numbers, as inclusive ranges in one flat list: `[begin, end, begin, end, …]`. In normal form: sorted, neither
 * overlapping nor adjacent (spec/mesos.md §1.7).
 */
export type Ranges = ReadonlyArray<number>
