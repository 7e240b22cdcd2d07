import { type Examination, examine } from "../../doctor/Examination.ts"
import { areas, type Finding, lackingForEnforcement } from "../../doctor/Finding.ts"
import { linuxHost } from "../../doctor/LinuxHost.ts"
import { renderTable } from "../Table.ts"

export interface DoctorOptions {
  readonly json: boolean
  readonly quick: boolean
  readonly dataPath: string
  readonly cgroupParent: string
}

/**
 * Prints what this host can and cannot enforce. Resolves to the exit code: 0 when everything that enforcement needs is
 * there, 1 when something needed is missing. Runs without an option parser, on Node 10 too.
 */
export const runDoctor = async (options: DoctorOptions): Promise<number> => {
  const examination = await examine(linuxHost, options)
  process.stdout.write(
    `${options.json ? JSON.stringify(examination, undefined, 2) : examinationText(examination)}\n`,
  )
  return examination.canEnforce ? 0 : 1
}

const columns = (["feature", "status", "found"] as const).map((title) => ({ title, align: "left" as const }))

/** A table of everything, then what is not as it should be with its consequence and remedy, then the verdict. */
export const examinationText = (examination: Examination): string => {
  const { host, findings } = examination
  const rows = areas.flatMap((area) => {
    const own = findings.filter((finding) => finding.area === area)
    return own.length === 0 ? [] : [[area.toUpperCase()], ...own.map(rowOf)]
  })
  const lacking = findings.filter((finding) => finding.status !== "ok")
  return [
    `${host.distribution}, kernel ${host.kernel}, Node ${host.node}, uid ${host.uid}`,
    renderTable(columns, rows),
    ...(lacking.length === 0 ? [] : [lacking.map(consequence).join("\n\n")]),
    verdict(examination),
  ].join("\n\n")
}

const rowOf = ({ feature, status, isNeeded, found }: Finding) => [
  `  ${feature}`,
  status === "missing" && isNeeded ? "MISSING" : status,
  found,
]

const consequence = ({ feature, status, isNeeded, without, remedy }: Finding): string =>
  [
    `${feature} (${status}${status === "missing" && isNeeded ? ", needed to enforce limits" : ""})`,
    ...hanging("  means:   ", without),
    ...hanging("  remedy:  ", remedy ?? "nothing to do"),
  ].join("\n")

const lineWidth = 100

/** Words broken over lines below each other. */
const hanging = (label: string, text: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = label
  for (const word of text.split(" ")) {
    if (line.length + word.length > lineWidth && line.trim() !== "" && line !== label) {
      lines.push(line.trimEnd())
      line = " ".repeat(label.length)
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()]
}

const verdict = ({ findings, host }: Examination): string => {
  const lacking = lackingForEnforcement(findings)
  if (lacking.length === 0)
    return `This host can enforce limits on tasks${host.quick ? " (quota and freezer not tried)" : ""}.`
  const names = lacking.map(({ feature }) => feature).join(", ")
  return `This host cannot enforce limits: missing ${names}. Tasks are refused; only --unconfined runs them, without any limit.`
}
