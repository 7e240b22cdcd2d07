import { stripVTControlCharacters } from "node:util"
import { Console, Effect } from "effect"

const strip = (values: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  values.map((value) => (typeof value === "string" ? stripVTControlCharacters(value) : value))

/** Whether to colour: on a terminal, unless the user says otherwise (https://no-color.org). */
const isColoured = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && !process.env.NO_COLOR

/** The option parser colours its help always; in a pipe or a file that is noise. */
export const withPlainConsole = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Console.consoleWith(Effect.succeed), (console) =>
    Console.withConsole(effect, {
      ...console,
      log: (...values) => console.log(...(isColoured(process.stdout) ? values : strip(values))),
      error: (...values) => console.error(...(isColoured(process.stderr) ? values : strip(values))),
    }),
  )
