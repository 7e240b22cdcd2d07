import { constants } from "node:fs"
import { access, stat, writeFile } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { setImmediate } from "node:timers/promises"
import type { PolicySpec } from "../../../core/policies/PolicySpec.ts"
import { evaluate } from "../../../sim/Evaluate.ts"
import {
  baselineIntervalMs,
  baselineSettings,
  defaultPolicies,
  type EvaluationSettings,
  ownSettings,
  type TraceEvaluation,
} from "../../../sim/Evaluation.ts"
import { createSyntheticFleet, defaultFleet } from "../../../traces/generators/SyntheticFleet.ts"
import { readTraces } from "../../../traces/ReadTraces.ts"
import { sharesOf, type Trace } from "../../../traces/Trace.ts"
import { BadTraceLine, UnreadableTrace } from "../../../traces/TraceError.ts"
import { refuseInput } from "../CommandFailure.ts"
import type { Progress } from "../Progress.ts"
import { printEvaluations, toJsonRows } from "./Output.ts"
import type { EvaluationRequest } from "./Request.ts"

/**
 * Reads, evaluates, writes the report, and returns what belongs on stdout. Rejects with a `CommandFailure`. Other work
 * runs between files and between blocks of hosts, so an interruption takes effect there.
 */
export const runEvaluation = async (
  request: EvaluationRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> => {
  if (request.report !== undefined) await checkReportPath(request.report)
  const traces = await loadTraces(request, progress, signal)
  const settings =
    request.preset === "baselines"
      ? baselineSettings(request.resource)
      : ownSettings(request.resource, request.horizonMs)
  const policies = request.policies.length > 0 ? request.policies : defaultPolicies(settings)
  for (const trace of traces) checkTrace(trace, settings)

  const evaluations: Array<TraceEvaluation> = []
  for (const trace of traces) {
    const evaluation = await evaluateTrace(trace, policies, settings, progress, signal)
    if (evaluation.rows[0]!.machineSteps === 0) throw nothingCounted(evaluation)
    evaluations.push(evaluation)
  }
  if (request.report !== undefined) await writeReport(request.report, evaluations, progress)
  return request.json
    ? `${JSON.stringify(toJsonRows(evaluations), null, 2)}\n`
    : printEvaluations(evaluations, request)
}

const loadTraces = async (
  request: EvaluationRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<ReadonlyArray<Trace>> => {
  if (request.traces.length === 0) return [createSyntheticFleet({ ...defaultFleet, seed: request.seed })]
  try {
    return await readTraces(request.traces, {
      badLines: request.badLines,
      onProgress: (done, files) => {
        signal.throwIfAborted()
        progress.show(`reading ${done} of ${files} files`)
      },
    })
  } catch (error) {
    if (error instanceof BadTraceLine || error instanceof UnreadableTrace) throw refuseInput(error.message)
    throw error
  }
}

/** What can be said about a trace before any time is spent on it. */
const checkTrace = (trace: Trace, settings: EvaluationSettings): void => {
  if (sharesOf(trace, settings.resource) === null) {
    throw refuseInput(
      `${trace.name}: the recording has no memory (${trace.source}). Evaluate it with --resource cpu, or leave it out`,
    )
  }
  if (settings.preset === "baselines" && trace.intervalMs !== baselineIntervalMs) {
    throw refuseInput(
      `${trace.name}: the preset baselines is defined for samples every 5m, this trace has one every ${trace.intervalMs} ms`,
    )
  }
}

const nothingCounted = ({ trace, rows }: TraceEvaluation) =>
  refuseInput(
    `${trace.name}: no machine-step can be judged; counted are: ${rows[0]!.mask}. Take a longer recording or a shorter --horizon`,
  )

const evaluateTrace = async (
  trace: Trace,
  policies: ReadonlyArray<PolicySpec>,
  settings: EvaluationSettings,
  progress: Progress,
  signal: AbortSignal,
): Promise<TraceEvaluation> => {
  const running = evaluate(trace, policies, settings)
  for (;;) {
    const step = running.next()
    if (step.done === true) return step.value
    progress.show(`evaluating ${trace.name}: ${step.value.hostsDone} of ${step.value.hosts} hosts`)
    await setImmediate()
    signal.throwIfAborted()
  }
}

/** Fails before the work rather than after it. */
const checkReportPath = async (path: string): Promise<void> => {
  const folder = dirname(resolve(path))
  const isFolder = await stat(resolve(path)).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
  if (isFolder)
    throw refuseInput(`--report: ${path} is a folder. Name a file in it, like ${path}/report.html`)
  await access(folder, constants.W_OK).catch(() => {
    throw refuseInput(`--report: no file can be written in ${folder}. Check that it exists and is writable`)
  })
}

const writeReport = async (
  path: string,
  evaluations: ReadonlyArray<TraceEvaluation>,
  progress: Progress,
): Promise<void> => {
  progress.show("drawing the report")
  const { renderReport } = await import("../../../sim/report/Report.ts")
  await writeFile(path, await renderReport(evaluations)).catch((error: NodeJS.ErrnoException) => {
    throw refuseInput(`--report: ${path} cannot be written (${error.code ?? error.message})`)
  })
}
