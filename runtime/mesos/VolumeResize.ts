import { resourceProblem, wireText } from "./ResourceProblem.ts"
import type { WireResource } from "./ResourceSchema.ts"

// GROW_VOLUME and SHRINK_VOLUME, judged in Mesos's order. The last of its reasons always holds: no agent here has the capability, since
// volumes are folders without a bound of their own.

interface Growth {
  readonly volume: WireResource
  readonly addition: WireResource
}
interface Shrinkage {
  readonly volume: WireResource
  readonly subtract: { readonly value: number }
}

const sizeOf = ({ scalar }: WireResource): number => scalar?.value ?? 0

const notOne = (field: string, volume: WireResource): string | undefined => {
  const why = persistenceProblem(volume)
  return why === undefined ? undefined : `Invalid persistent volume in the '${field}' field: ${why}`
}

const persistenceProblem = (volume: WireResource): string | undefined => {
  const { disk } = volume
  if (disk === undefined) return `Resource ${wireText(volume)} does not have DiskInfo`
  if (disk.persistence === undefined) return "'persistence' is not set in DiskInfo"
  if (disk.volume === undefined) return "Expecting 'volume' to be set for persistent volume"
  return disk.volume.mode === "RO" ? "Read-only persistent volume not supported" : undefined
}

const malformed = (field: string, resource: WireResource): string | undefined => {
  const why = resourceProblem(resource)
  return why === undefined ? undefined : `Invalid resource in the '${field}' field: ${why}`
}

export const growProblem = ({ volume, addition }: Growth): string => {
  const invalid = malformed("GrowVolume.volume", volume)
  if (invalid !== undefined) return invalid
  if (sizeOf(addition) === 0) return "The size of 'GrowVolume.addition' field must be greater than zero"
  const badAddition = malformed("GrowVolume.addition", addition)
  if (badAddition !== undefined) return badAddition
  if (volume.provider_id !== undefined) return "Growing a volume from a resource provider is not supported"
  const noVolume = notOne("GrowVolume.volume", volume)
  if (noVolume !== undefined) return noVolume
  if (volume.shared !== undefined) return "Growing a shared persistent volume is not supported"
  return `Volume ${wireText(volume)} cannot be grown on an agent without RESIZE_VOLUME capability`
}

export const shrinkProblem = ({ volume, subtract }: Shrinkage): string => {
  const invalid = malformed("ShrinkVolume.volume", volume)
  if (invalid !== undefined) return invalid
  if (!(subtract.value > 0)) return "Value of 'ShrinkVolume.subtract' must be greater than zero"
  if (sizeOf(volume) <= subtract.value)
    return "Value of 'ShrinkVolume.subtract' must be smaller than the size of 'ShrinkVolume.volume'"
  if (volume.provider_id !== undefined) return "Shrinking a volume from a resource provider is not supported"
  const noVolume = notOne("ShrinkVolume.volume", volume)
  if (noVolume !== undefined) return noVolume
  if (volume.shared !== undefined) return "Shrinking a shared persistent volume is not supported"
  return `Volume ${wireText(volume)} cannot be shrunk on an agent without RESIZE_VOLUME capability`
}
