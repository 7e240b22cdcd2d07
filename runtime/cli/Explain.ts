import { Command, Options } from "@effect/cli"
import { Console, Effect, Option } from "effect"
import { memToText } from "../config/Memory.ts"
import { request } from "../http/Client.ts"
import type { ExplainView, GroupView, RoleView, StopView } from "../master/ExplainView.ts"
import type { MasterAccess } from "../mesos/SchedulerClient.ts"
import { accessCluster, clusterOptions } from "./ClusterOptions.ts"
import { CommandFailure, refuseInput } from "./CommandFailure.ts"
import { readCpus, readMemMiB } from "./ResourceOptions.ts"
import { renderTable } from "./Table.ts"

const options = {
  ...clusterOptions,
  framework: Options.text("framework").pipe(
    Options.withPseudoName("ID"),
    Options.withDescription("A framework, by id or by name: why does it get no offers?"),
    Options.optional,
  ),
  role: Options.text("role").pipe(
    Options.withDescription("Only in this role; without a framework: why does a task of this role not fit?"),
    Options.optional,
  ),
  cpus: Options.float("cpus").pipe(Options.withDescription("What the task needs: CPUs"), Options.optional),
  mem: Options.text("mem").pipe(
    Options.withPseudoName("SIZE"),
    Options.withDescription("Memory, like 512M or 4G; a plain number is MiB"),
    Options.optional,
  ),
  disk: Options.text("disk").pipe(
    Options.withPseudoName("SIZE"),
    Options.withDescription("Disk, like 10G"),
    Options.optional,
  ),
  gpus: Options.integer("gpus").pipe(Options.withDescription("Number of GPUs"), Options.optional),
  ports: Options.integer("ports").pipe(Options.withDescription("Number of ports"), Options.optional),
  hosts: Options.boolean("hosts").pipe(
    Options.withDescription("Name every host, not only some of each kind"),
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Print the answer as one JSON object")),
}

const description = `Say for each host why it is not offered to a framework, or why a task does not fit on it, and sum it up.
Examples: gleaner explain --framework shop
gleaner explain --role batch --cpus 2 --mem 4G
gleaner explain --framework shop --role web --cpus 2 --mem 4G --ports 1 --json
Exit codes: 0 explained, 1 no answer or no such framework, 2 wrong usage`

export const explainCommand = Command.make("explain", options, (args) =>
  Effect.gen(function* () {
    const framework = Option.getOrUndefined(args.framework)
    const role = Option.getOrUndefined(args.role)
    if (framework === undefined && role === undefined) {
      return yield* refuseInput("say whom it is about: --framework ID, or --role NAME with what a task needs")
    }
    const query = new URLSearchParams()
    if (framework !== undefined) query.set("framework", framework)
    if (role !== undefined) query.set("role", role)
    if (Option.isSome(args.cpus)) query.set("cpus", String(yield* readCpus(args.cpus.value)))
    if (Option.isSome(args.mem)) query.set("mem", String(yield* readMemMiB(args.mem.value)))
    if (Option.isSome(args.disk)) query.set("disk", String(yield* readDiskMiB(args.disk.value)))
    if (Option.isSome(args.gpus)) query.set("gpus", String(yield* readCount("--gpus", args.gpus.value)))
    if (Option.isSome(args.ports)) query.set("ports", String(yield* readCount("--ports", args.ports.value)))
    if (args.hosts) query.set("hosts", "all")
    const access = yield* accessCluster(args)
    const view = yield* fetchExplanation(access, query)
    yield* Console.log(args.json ? JSON.stringify(view, undefined, 2) : explanationText(view, args.hosts))
  }),
).pipe(Command.withDescription(description))

const readDiskMiB = (text: string): Effect.Effect<number, CommandFailure> =>
  readMemMiB(text).pipe(Effect.mapError(({ message }) => refuseInput(message.replace("--mem", "--disk"))))

const readCount = (flag: string, count: number): Effect.Effect<number, CommandFailure> =>
  count >= 1 ? Effect.succeed(count) : refuseInput(`${flag} ${count} must be at least 1`)

/** 400 is wrong input; everything else that is no answer is not possible now. */
const fetchExplanation = (
  { url, secret, tls }: MasterAccess,
  query: URLSearchParams,
): Effect.Effect<ExplainView, CommandFailure> =>
  request({ url: `${url}/explain?${query}`, secret, tls }).pipe(
    Effect.mapError(({ message }) => new CommandFailure({ message, exitCode: 1 })),
    Effect.flatMap(({ status, body }) => {
      if (status === 200) return Effect.succeed(JSON.parse(body) as ExplainView)
      if (status === 400) return refuseInput(body)
      const message =
        status === 404 && body !== unknownPath ? body : `${url}/explain answered ${status}: ${body}`
      return new CommandFailure({ message, exitCode: 1 })
    }),
  )

/** What a master says that has no such route. */
const unknownPath = "404 Not Found."

/** One section for each role. */
export const explanationText = (view: ExplainView, isEveryHostNamed: boolean): string =>
  view.answers.map((answer) => sectionOf(view, answer, isEveryHostNamed)).join("\n\n")

const sectionOf = (
  { framework, wanted }: ExplainView,
  answer: RoleView,
  isEveryHostNamed: boolean,
): string => {
  const whom = framework === null ? "anybody" : `framework ${framework.name} (${framework.id})`
  const where = answer.role === null ? "" : ` in role ${answer.role}`
  const amounts = Object.entries(wanted).map(([name, amount]) => {
    return `${name} ${name === "mem" || name === "disk" ? memToText(amount) : amount}`
  })
  const head = `${whom}${where}${amounts.length === 0 ? "" : `, for a task with ${amounts.join(", ")}`}`
  if (answer.groups.length === 0) return `${head}\n${answer.text}`
  const rows = answer.groups.map((group) => [
    String(group.count),
    group.text,
    hostsText(group, isEveryHostNamed),
  ])
  const parts = [`${head}\n`, renderTable(columns, rows)]
  if (answer.remark !== null) parts.push(`\nBut ${answer.remark}.`)
  if (answer.stops !== null) parts.push(`\n${stopsText(answer.stops)}`)
  return parts.join("\n")
}

const columns = [
  { title: "hosts", align: "right" as const },
  { title: "why", align: "left" as const },
  { title: "which", align: "left" as const },
]

const namesShown = 3

const hostsText = ({ count, hosts }: GroupView, isEveryHostNamed: boolean): string => {
  const names = hosts.map(({ hostname }) => hostname)
  if (isEveryHostNamed || count <= namesShown) return names.join(", ")
  return `${names.slice(0, namesShown).join(", ")} and ${count - namesShown} more`
}

const stopsText = (stops: ReadonlyArray<StopView>): string => {
  if (stops.length === 0) return "No tasks of lower priority could make room for it."
  const lines = stops.map(({ hostname, tasks, lost_cpu_seconds }) => {
    const names = tasks.map(({ framework_name, framework_id, task_id, role }) => {
      return `${task_id} of ${framework_name === "" ? framework_id : framework_name} (role ${role})`
    })
    const work = `${lost_cpu_seconds} CPU-seconds of work lost`
    return `  on ${hostname}: ${names.join(", ")}; ${work}`
  })
  return ["It would fit without these tasks of lower priority:", ...lines].join("\n")
}
