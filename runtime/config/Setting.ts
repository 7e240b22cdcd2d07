/** What a daemon knows of the process it starts in. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly homeFolder: string
  /** Undefined where there are no users. */
  readonly userId: number | undefined
}

/** One thing that an operator may say, by file, environment and flag alike. */
export interface Setting<A> {
  readonly meaning: string
  /** What a value must be, for messages: "a whole number from 0 to 65535". */
  readonly form: string
  /** What stands for the value in help; empty for a setting that is on or off. */
  readonly placeholder: string
  readonly initial: (surroundings: Surroundings) => A
  /** What a default of null means; otherwise the default prints as a value. */
  readonly initialText: string | undefined
  /** Reads one value as it is written; for named values the value behind the `=`. Undefined refuses it. */
  readonly parse: (text: string) => unknown
  readonly print: (value: A) => string
  readonly shape: "value" | "switch" | "pairs"
  /** Of pairs: whether a text may stand before the `=`, and how the value behind it is written. */
  readonly isName: (name: string) => boolean
  readonly printOne: (value: unknown) => string
  /** May stand in the section `common` of the file and in `GLEANER_<NAME>`, for all daemons that have it. */
  readonly isShared: boolean
  readonly isRequired: boolean
  /** For programs that start daemons, not for people: a flag only, in no help. */
  readonly isHidden: boolean
}

/** Settings by name. The name in camelCase; flags, files and variables derive theirs from it. */
// biome-ignore lint/suspicious/noExplicitAny: a Setting is invariant in its value, so no other type holds them all
export type Settings = { readonly [key: string]: Setting<any> }

/** The values that a table of settings stands for. */
export type ValuesOf<S extends Settings> = {
  readonly [Key in keyof S]: S[Key] extends Setting<infer A> ? A : never
}

export interface Description<I> {
  readonly meaning: string
  readonly initial: I
  /** What no value means, when `initial` is null. */
  readonly initialText?: string
  readonly placeholder?: string
  readonly isShared?: boolean
}

/** The words and texts of one kind of value. */
export interface Kind<A> {
  readonly form: string
  readonly placeholder: string
  readonly parse: (text: string) => A | undefined
  readonly print: (value: A) => string
}

const notOfPairs = { isName: () => false, printOne: String }

/** A setting of one value of the kind. */
export const settingOf =
  <A>(kind: Kind<A>) =>
  <I extends A | null>(description: Description<I>): Setting<A | I> => ({
    meaning: description.meaning,
    form: kind.form,
    placeholder: description.placeholder ?? kind.placeholder,
    initial: () => description.initial,
    initialText: description.initialText,
    parse: kind.parse,
    print: (value) => (value === null ? "" : kind.print(value as A)),
    shape: "value",
    ...notOfPairs,
    isShared: description.isShared ?? false,
    isRequired: false,
    isHidden: false,
  })

/** As the setting, but a command cannot do without it. */
export const required = <A>(setting: Setting<A | null>): Setting<A> => ({
  ...setting,
  initial: () => null as unknown as A,
  print: (value) => setting.print(value),
  isRequired: true,
})

/** As the setting, with a default that depends on who starts the daemon. */
export const withInitial = <A>(
  setting: Setting<A>,
  initial: (surroundings: Surroundings) => A,
  initialText?: string,
): Setting<A> => ({ ...setting, initial, initialText: initialText ?? setting.initialText })

/** On or off: `--name` and `--no-name`. */
export const switched = (description: Description<boolean>): Setting<boolean> => ({
  meaning: description.meaning,
  form: "true or false",
  placeholder: "",
  initial: () => description.initial,
  initialText: description.initialText,
  parse: (text) => {
    const word = text.toLowerCase()
    if (["true", "1", "yes", "on"].indexOf(word) !== -1) return true
    return ["false", "0", "no", "off"].indexOf(word) !== -1 ? false : undefined
  },
  print: String,
  shape: "switch",
  ...notOfPairs,
  isShared: description.isShared ?? false,
  isRequired: false,
  isHidden: false,
})

export const hidden = <A>(setting: Setting<A>): Setting<A> => ({ ...setting, isHidden: true })

export interface Named<A> {
  readonly name: string
  readonly value: A
}

export interface PairsDescription {
  readonly meaning: string
  readonly placeholder: string
  /** What may stand before the `=`, for messages; with the check. Anything that is not empty where absent. */
  readonly name?: { readonly form: string; readonly isName: (name: string) => boolean }
}

/** Any number of NAME=VALUE, none by default; of one name the last counts. */
export const pairsOf = <A>(
  kind: Kind<A>,
  { meaning, placeholder, name }: PairsDescription,
): Setting<ReadonlyArray<Named<A>>> => ({
  meaning: `${meaning}; repeatable`,
  form:
    name === undefined
      ? `${placeholder} with ${kind.form} behind the =`
      : `${placeholder} with ${name.form} before the = and behind it ${kind.form}`,
  placeholder,
  initial: () => [],
  initialText: undefined,
  parse: kind.parse,
  print: (pairs) => pairs.map((pair) => `${pair.name}=${kind.print(pair.value)}`).join(","),
  shape: "pairs",
  isName: (given) => given !== "" && (name === undefined || name.isName(given)),
  printOne: (value) => kind.print(value as A),
  isShared: false,
  isRequired: false,
  isHidden: false,
})

/** `taskUser` → `task-user`, the name in flags and files. */
export const keyToWord = (key: string): string =>
  key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `taskUser` → `TASK_USER`, the end of a variable's name. */
export const keyToVariable = (key: string): string => keyToWord(key).toUpperCase().replace(/-/g, "_")
