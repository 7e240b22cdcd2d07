import { Data, Effect } from "effect"
import { type Resource, resourceOf, toKind } from "../../core/resources/Resource.ts"
import {
  addResources,
  quantitiesToResources,
  type Resources,
  toResources,
} from "../../core/resources/Resources.ts"
import { parseResources } from "../../core/resources/ResourceText.ts"
import { type HostCapacity, offerable, readTotal } from "../host/HostCapacity.ts"

// What an agent announces: what its operator says, and for the names that he leaves out what the host has (spec/mesos.md §1.7,
// "Auto-detected").

export interface LentOptions {
  readonly folder: string
  /** Null = find out. */
  readonly cpuMilli: number | null
  readonly memMilli: number | null
  /** As Mesos agents take them (`ResourceText.ts`); null = nothing is said. */
  readonly resources: string | null
}

export class ResourcesUnreadable extends Data.TaggedError("ResourcesUnreadable")<{
  readonly problem: string
}> {
  override get message() {
    return `--resources: ${this.problem}`
  }
}

/** Mesos's: what schedulers that hand out ports count on. */
const portsByDefault: Resource = resourceOf(toKind({ name: "ports", type: "ranges" }), [31_000, 32_000])

export const lentResources = (options: LentOptions) =>
  Effect.gen(function* () {
    const text = options.resources ?? ""
    const said = parseResources(text)
    if (typeof said === "string") return yield* new ResourcesUnreadable({ problem: said })
    return withDefaults(said, namesIn(text), yield* readTotal(options.folder), options)
  })

const withDefaults = (
  said: Resources,
  names: ReadonlySet<string>,
  host: HostCapacity,
  { cpuMilli, memMilli }: LentOptions,
): Resources => {
  const lent = offerable(host)
  const found = quantitiesToResources({
    cpus: cpuMilli ?? lent.cpuMilli,
    disk: lent.diskMilli,
    mem: memMilli ?? lent.memMilli,
  })
  const left = [...found, portsByDefault].filter(({ kind }) => !names.has(kind.name))
  return addResources(said, toResources(left))
}

/** Also the names of what comes to nothing: `ports:[]` means that there are none. */
const namesIn = (text: string): ReadonlySet<string> => {
  const trimmed = text.trim()
  if (trimmed.startsWith("[")) {
    return new Set((JSON.parse(trimmed) as ReadonlyArray<{ readonly name: string }>).map(({ name }) => name))
  }
  return new Set(trimmed.split(";").map((entry) => entry.split(/[(:]/)[0]!.trim()))
}
