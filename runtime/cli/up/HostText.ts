import { memToText } from "../../config/Memory.ts"
import type { HostView } from "../../protocol/HostView.ts"
import type { ClusterState } from "../ClusterState.ts"
import { clusterText } from "./ClusterText.ts"

// What `gleaner up` shows of its host: who uses what, what is kept, what may be lent.

const unknown = "?"
const unlimited = "none"

const cpusText = (milli: number | null): string =>
  milli === null ? unknown : String(Math.round(milli / 10) / 100)

const memText = (milli: number | null): string => (milli === null ? unknown : memToText(milli / 1000))

interface Row {
  readonly name: string
  /** In the order of {@link titles}. */
  readonly cells: ReadonlyArray<string>
}

const titles = ["primary", "reserved", "lendable", "harvest", "ceiling", "host"]
const nameWidth = 4
const cellWidth = 11

const rowsOf = (host: HostView): ReadonlyArray<Row> => {
  const { primary, reserve, lendable, harvest, ceiling, capacity } = host
  const cpus = [primary.cpuMilli, reserve?.cpuMilli, lendable.cpuMilli, harvest.cpuMilli]
  const mem = [primary.memMilli, reserve?.memMilli, lendable.memMilli, harvest.memMilli]
  return [
    {
      name: "cpus",
      cells: [
        ...cpus.map((milli) => cpusText(milli ?? null)),
        ceiling.cpuMilli === null ? unlimited : cpusText(ceiling.cpuMilli),
        cpusText(capacity?.cpuMilli ?? null),
      ],
    },
    {
      name: "mem",
      cells: [
        ...mem.map((milli) => memText(milli ?? null)),
        ceiling.memMilli === null ? unlimited : memText(ceiling.memMilli),
        memText(capacity?.memMilli ?? null),
      ],
    },
  ]
}

/** As a monitor does before it has measured enough. */
const isAllKept = ({ reserve, capacity }: HostView): boolean =>
  reserve === null ||
  (capacity !== null && reserve.cpuMilli >= capacity.cpuMilli && reserve.memMilli >= capacity.memMilli)

const leaseText = (host: HostView): string => {
  const { monitor, beatAgeMs } = host
  if (monitor === "none") return "no monitor"
  if (monitor === "held") {
    return `monitor holds the lease${isAllKept(host) ? "; it keeps everything until it has seen enough" : ""}`
  }
  return beatAgeMs === null ? "no monitor yet: nothing is lent" : "monitor lost: nothing more is lent"
}

/** Aligned, for a terminal. */
export const hostBlock = (host: HostView, state: ClusterState | undefined): ReadonlyArray<string> => [
  `${"".padEnd(nameWidth)}${titles.map((title) => title.padStart(cellWidth)).join("")}`,
  ...rowsOf(host).map(
    ({ name, cells }) => `${name.padEnd(nameWidth)}${cells.map((cell) => cell.padStart(cellWidth)).join("")}`,
  ),
  leaseText(host),
  (state === undefined ? ["the master does not answer"] : clusterText(state)).join(" · "),
]

/** The same in one line, for a log. */
export const hostLine = (host: HostView, state: ClusterState | undefined): string =>
  [
    ...rowsOf(host).map(
      ({ name, cells }) => `${name} ${cells.map((cell, at) => `${titles[at]} ${cell}`).join(", ")}`,
    ),
    leaseText(host),
    ...(state === undefined ? ["the master does not answer"] : clusterText(state)),
  ].join(" · ")
