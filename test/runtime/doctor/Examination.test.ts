import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { discover } from "../../../runtime/cgroups/CgroupFacts.ts"
import { reasonsAgainst } from "../../../runtime/cgroups/CgroupLayout.ts"
import { examine, missingForEnforcement } from "../../../runtime/doctor/Examination.ts"
import { linuxHost } from "../../../runtime/doctor/LinuxHost.ts"
import { findCgroups, whyNoRealCgroups } from "../../support/CgroupLeftovers.ts"
import * as fixtures from "./HostFixture.ts"

const options = { quick: false, dataPath: "/var/lib/gleaner", cgroupParent: "gleaner" }

const look = async (fixture: fixtures.HostFixture, changed: Partial<typeof options> = {}) => {
  const host = fixtures.makeHost(fixture)
  const examination = await examine(host, { ...options, ...changed })
  const status = (id: string) => examination.findings.find((finding) => finding.id === id)?.status
  return { host, examination, status }
}

const notOk = async (fixture: fixtures.HostFixture) =>
  Object.fromEntries(
    (await look(fixture)).examination.findings
      .filter(
        (finding) => finding.status !== "ok" && finding.area !== "daemons" && finding.id !== "clock-sync",
      )
      .map((finding) => [finding.id, finding.status]),
  )

const el6Lacks = {
  "controller-pids": "degraded",
  "oom-kill-count": "degraded",
  "blkio-throttle": "degraded",
  "no-new-privs": "degraded",
  psi: "degraded",
  "mem-available": "degraded",
  unshare: "degraded",
}

describe("what a host can enforce", () => {
  it.each([
    [
      "el6.2",
      fixtures.el6_2,
      { ...el6Lacks, "cgroup-procs-writable": "degraded", "namespace-files": "degraded" },
    ],
    [
      "el6.0, which has no quota",
      fixtures.el6_0,
      {
        ...el6Lacks,
        kernel: "degraded",
        "cfs-quota": "missing",
        "cfs-quota-bites": "missing",
        "cgroup-procs-writable": "degraded",
        "namespace-files": "degraded",
      },
    ],
    ["el6.5", fixtures.el6_5, el6Lacks],
    [
      "el7",
      fixtures.el7,
      { "oom-kill-count": "degraded", "blkio-throttle": "degraded", psi: "degraded", cpuset: "degraded" },
    ],
    ["Debian 12 with cgroup v1", fixtures.debian12, { "blkio-throttle": "degraded", cpuset: "degraded" }],
  ])("%s lacks exactly what its kernel lacks", async (_, fixture, lacks) => {
    expect(await notOk(fixture)).toEqual(lacks)
  })

  it("is everything on el6.2 to Debian 12, and not without a quota", async () => {
    for (const fixture of [fixtures.el6_2, fixtures.el6_5, fixtures.el7, fixtures.debian12])
      expect((await look(fixture)).examination.canEnforce).toBe(true)
    expect((await look(fixtures.el6_0)).examination.canEnforce).toBe(false)
  })

  it.each([
    ["cgroup v2 alone", fixtures.v2Only, "only in cgroup v2 at /sys/fs/cgroup"],
    ["a container without cgroups", fixtures.container, "not mounted"],
  ])("is nothing with %s", async (_, fixture, found) => {
    const { examination, status } = await look(fixture)
    expect(examination.canEnforce).toBe(false)
    expect(status("cgroup-v1")).toBe("missing")
    expect(examination.findings.find(({ id }) => id === "controller-cpu")?.found).toBe(found)
    const missing = await missingForEnforcement("gleaner", fixtures.makeHost(fixture))
    expect(missing.map(({ feature }) => feature)).toContain("cpu controller")
    expect(missing.every(({ means, remedy }) => means !== "" && remedy !== "")).toBe(true)
  })

  it("is nothing without write access, which another user lacks", async () => {
    const { examination, status } = await look(fixtures.nonRoot)
    expect(examination.canEnforce).toBe(false)
    expect([status("root"), status("cgroup-write"), status("cfs-quota")]).toEqual([
      "degraded",
      "missing",
      "ok",
    ])
    const missing = await missingForEnforcement("gleaner", fixtures.makeHost(fixtures.nonRoot))
    expect(missing.map(({ feature }) => feature)).toEqual(["write access to cgroups"])
  })

  it("is nothing for root who can become nobody else", async () => {
    const { examination, status } = await look({ ...fixtures.debian12, userSwitch: "none" })
    expect([examination.canEnforce, status("user-switch")]).toEqual([false, "missing"])
  })
})

describe("doctor and agent", () => {
  it("agree on which hosts cannot isolate tasks", async () => {
    const { container, debian12, el6_0, el6_2, el6_5, el7, nonRoot, v2Only } = fixtures
    const verdicts: Array<boolean> = []
    for (const fixture of [container, debian12, el6_0, el6_2, el6_5, el7, nonRoot, v2Only]) {
      const host = fixtures.makeHost(fixture)
      const refusal = reasonsAgainst(await Effect.runPromise(discover(host.kernel, "gleaner")), "required")
      const missing = await missingForEnforcement("gleaner", host)
      expect([fixture.release, missing.length > 0]).toEqual([fixture.release, refusal !== undefined])
      verdicts.push(refusal === undefined)
    }
    expect(verdicts).toEqual([false, true, false, true, true, true, false, false])
  })
})

describe("probes that try", () => {
  it("find a quota that is there and does not hold", async () => {
    const ignored = await look({ ...fixtures.debian12, quota: "ignored" })
    expect([ignored.examination.canEnforce, ignored.status("cfs-quota-bites")]).toEqual([false, "missing"])
    const quick = await look({ ...fixtures.debian12, quota: "ignored" }, { quick: true })
    expect([quick.examination.canEnforce, quick.status("cfs-quota-bites")]).toEqual([true, "ok"])
  })

  it("do not condemn a quota on a host too busy to tell", async () => {
    const { examination, status } = await look({ ...fixtures.debian12, quota: "starved" })
    expect([examination.canEnforce, status("cfs-quota-bites")]).toEqual([true, "degraded"])
  })

  it("find a freezer that does not freeze, and go on", async () => {
    const { examination, status } = await look({ ...fixtures.debian12, freezer: "stuck" })
    expect([examination.canEnforce, status("freezer-works")]).toEqual([true, "degraded"])
  })

  it("leave no group behind, whatever came of them", async () => {
    for (const quota of ["bites", "ignored"] as const)
      for (const freezer of ["works", "stuck"] as const) {
        const cgroups = { profile: "modern", busyRmdirs: 3 } as const
        const { host } = await look({ ...fixtures.debian12, cgroups, quota, freezer })
        expect(host.leftGroups()).toEqual([])
      }
  })

  it("sweep what a doctor left that was killed, but not what one that runs needs", async () => {
    const host = fixtures.makeHost({
      ...fixtures.debian12,
      files: { ...fixtures.debian12.files, "/proc/78": "" },
    })
    for (const pid of [77, 78])
      await Effect.runPromise(host.kernel.mkdir(`/sys/fs/cgroup/freezer/gleaner-doctor-${pid}`))
    await examine(host, options)
    expect(host.leftGroups()).toEqual(["/sys/fs/cgroup/freezer/gleaner-doctor-78"])
  })
})

const refined = (changed: Partial<fixtures.HostFixture>): fixtures.HostFixture => ({
  ...fixtures.debian12,
  ...changed,
  files: { ...fixtures.debian12.files, ...changed.files },
})

describe("the place gleaner would run at", () => {
  const listening =
    "  sl  local_address rem_address   st\n   0: 0100007F:13BA 00000000:0000 0A 0:0 0:0 0 0 0 999 1\n"

  it("shows who holds a port: a stranger or gleaner's own master", async () => {
    const stranger = await look(refined({ files: { "/proc/net/tcp": listening } }))
    expect([stranger.status("port-5050"), stranger.status("port-5051")]).toEqual(["degraded", "ok"])
    const own = refined({
      files: {
        "/proc/net/tcp": listening,
        "/proc/77/cmdline": "node\0/opt/gleaner/gleaner.js\0master\0--data\0/var/lib/gleaner\0",
      },
      folders: { "/proc": ["1", "77", "self"], "/proc/77/fd": ["0", "19"] },
      links: { "/proc/77/fd/19": "socket:[999]" },
    })
    const { status, examination } = await look(own)
    expect([status("port-5050"), status("daemon-master"), status("daemon-agent")]).toEqual([
      "ok",
      "ok",
      "degraded",
    ])
    expect(examination.findings.find(({ id }) => id === "daemon-master")?.found).toBe("pid 77")
    const elsewhere = await look(own, { dataPath: "/srv/other" })
    expect(elsewhere.status("daemon-master")).toBe("degraded")
  })

  it("warns of a closed data folder, a full disk, few descriptors and an empty entropy pool", async () => {
    const { status, examination } = await look({
      ...fixtures.el6_2,
      closed: ["/root"],
      dfKiB: 1000,
      files: {
        ...fixtures.el6_2.files,
        "/proc/self/limits": "Max open files            1024                 4096                 files\n",
        "/proc/sys/kernel/random/entropy_avail": "12\n",
      },
    })
    for (const id of ["data-folder-open", "free-disk", "open-files", "entropy"])
      expect([id, status(id)]).toEqual([id, "degraded"])
    expect(examination.canEnforce).toBe(true)
    const modern = await look(refined({ files: { "/proc/sys/kernel/random/entropy_avail": "12\n" } }))
    expect(modern.status("entropy")).toBe("ok")
  })
})

describe("this very host", () => {
  const whyNot = whyNoRealCgroups()
  const parent = `gleaner-test-doc${process.pid}`

  it.runIf(whyNot === undefined)("holds a quota and freezes, and keeps nothing of the probes", async () => {
    const examination = await examine(linuxHost, {
      quick: false,
      dataPath: "/tmp/none",
      cgroupParent: parent,
    })
    const outcome = (id: string) => examination.findings.find((finding) => finding.id === id)
    // A host too busy for the probe is no failure of it.
    expect(outcome("cfs-quota-bites")?.status).not.toBe("missing")
    expect(outcome("freezer-works")).toMatchObject({ status: "ok" })
    expect(findCgroups(parent)).toEqual([])
  })
})
