import type { Ranges } from "./Ranges.ts"

/** An attribute of an agent, delivered in offers as it came (spec/mesos.md §1.7): a fact, no amount. */
export type Attribute =
  | { readonly name: string; readonly type: "text"; readonly value: string }
  | { readonly name: string; readonly type: "scalar"; readonly value: number }
  | { readonly name: string; readonly type: "ranges"; readonly value: Ranges }
