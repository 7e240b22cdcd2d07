// Runs tests on other versions of Node, fetching them when they are not there:
//   node10       the end-to-end suite with agent, monitor, doctor and recorder from the legacy bundle on Node 10
//   determinism  core's stories on Node 10, 20 and 22, compared byte by byte
// Further words go to vitest.
import { spawnSync } from "node:child_process"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { fetchNode } from "./fetch-nodes.mjs"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const [kind, ...words] = process.argv.slice(2)

const run = (command, args, environment = {}) => {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...environment },
  })
  if (status !== 0) process.exit(status ?? 1)
}
const vitest = (project, environment, more = []) =>
  run("npx", ["vitest", "run", "--project", project, ...more, ...words], environment)

switch (kind) {
  case "node10":
    run(process.execPath, ["bundle-legacy.mjs"])
    vitest(
      "e2e",
      { GLEANER_TEST_HOST_PROGRAM: `${fetchNode(10)} ${join(root, "dist-legacy/gleaner-legacy.js")}` },
      // Evaluating recordings starts none of these daemons.
      ["--exclude", "test/e2e/Evaluate.test.ts"],
    )
    break
  case "determinism":
    vitest("determinism", { GLEANER_TEST_NODES: [10, 20, 22].map(fetchNode).join(" ") })
    break
  default:
    process.stderr.write("say node10 or determinism\n")
    process.exit(2)
}
