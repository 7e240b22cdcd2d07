interface CgroupMount {
  readonly mountPoint: string
  readonly type: "cgroup" | "cgroup2"
  readonly options: ReadonlyArray<string>
}

/** Cgroup mounts in /proc/mounts; octal escapes (`\040`) decoded. */
export const parseCgroupMounts = (text: string): ReadonlyArray<CgroupMount> => {
  const mounts: Array<CgroupMount> = []
  for (const line of text.split("\n")) {
    const [, mountPoint, type, options] = line.split(" ")
    if (mountPoint === undefined || options === undefined) continue
    if (type !== "cgroup" && type !== "cgroup2") continue
    const decoded = mountPoint.replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    mounts.push({ mountPoint: decoded, type, options: options.split(",") })
  }
  return mounts
}

/** The v1 hierarchy of a controller; one mounted with noprefix has other file names, and no supported system does that. */
export const findV1Mount = (
  mounts: ReadonlyArray<CgroupMount>,
  controller: string,
): CgroupMount | undefined =>
  mounts.find(
    (one) => one.type === "cgroup" && one.options.includes(controller) && !one.options.includes("noprefix"),
  )

/** The parent cgroup's folder in each hierarchy that this host has mounted; whether they exist is not asked. */
export interface HarvestFolders {
  readonly cpu: string | undefined
  readonly cpuacct: string | undefined
  /** The root group, which counts every process of the host. */
  readonly cpuacctRoot: string | undefined
  readonly memory: string | undefined
}

export const locateHarvest = (mountsText: string, parent: string): HarvestFolders => {
  const mounts = parseCgroupMounts(mountsText)
  const folderOf = (controller: string) => {
    const mount = findV1Mount(mounts, controller)
    return mount === undefined ? undefined : `${mount.mountPoint}/${parent}`
  }
  return {
    cpu: folderOf("cpu"),
    cpuacct: folderOf("cpuacct"),
    cpuacctRoot: findV1Mount(mounts, "cpuacct")?.mountPoint,
    memory: folderOf("memory"),
  }
}
