import { Layer } from "effect"
import type { Cgroups } from "./Cgroups.ts"
import * as CgroupV1 from "./CgroupV1.ts"
import { type MemoryKernel, type MemoryKernelOptions, makeMemoryKernel } from "./MemoryKernel.ts"

/** The logic of `CgroupV1` over a kernel in memory; the kernel is handed out so that a test can put processes into it. */
export const make = (
  options: CgroupV1.CgroupV1Options & MemoryKernelOptions = {},
): { readonly memoryKernel: MemoryKernel; readonly layer: Layer.Layer<Cgroups> } => {
  const memoryKernel = makeMemoryKernel(options)
  return { memoryKernel, layer: Layer.provide(CgroupV1.layer(options), memoryKernel.layer) }
}

export const layer = (options: CgroupV1.CgroupV1Options & MemoryKernelOptions = {}): Layer.Layer<Cgroups> =>
  Layer.suspend(() => make(options).layer)
