/** Set by the bundler from package.json. */
export const version: string = process.env.GLEANER_VERSION ?? "0.0.0-unbundled"
