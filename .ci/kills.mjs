// `npm run kills [-- OPTIONS]`: kill -9 of everything at random. CI runs it without options, bounded by its time; a release
// is given many more kills: `npm run kills -- --kills 200`.
import { spawnSync } from "node:child_process"
import { parseArgs } from "node:util"

const usage = `Usage: npm run kills -- [--kills N] [--seconds N] [--seed N] [--keep FOLDER]

  --kills    processes to kill in all; without it the storms last for --seconds
  --seconds  of the storm on a monitored host (60); the one without a monitor lasts half as long
  --seed     repeats a storm's choices; printed at its beginning
  --keep     a folder for everything that was written
`
const options = {
  kills: { type: "string" },
  seconds: { type: "string" },
  seed: { type: "string" },
  keep: { type: "string" },
  help: { type: "boolean" },
}

const fail = (text) => {
  process.stderr.write(`${text}\n\n${usage}`)
  process.exit(2)
}

const read = () => {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return fail(error.message)
  }
}

const { help, keep, ...numbers } = read()
if (help) {
  process.stdout.write(usage)
  process.exit(0)
}
for (const [name, text] of Object.entries(numbers))
  if (!/^\d+$/.test(text)) fail(`--${name} wants a whole number, not ${text}`)

const given = Object.entries({ ...numbers, keep }).filter(([, text]) => text !== undefined)
const environment = Object.fromEntries(
  given.map(([name, text]) => [`GLEANER_KILL_${name.toUpperCase()}`, text]),
)
const words = ["vitest", "run", "--project", "e2e", "test/e2e/Kills.test.ts"]
const { status } = spawnSync("npx", words, { stdio: "inherit", env: { ...process.env, ...environment } })
process.exit(status ?? 1)
