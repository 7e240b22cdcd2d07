import { tellClusterStory } from "./ClusterStory.ts"
import { tellMonitorStory } from "./MonitorStory.ts"
import { tellPlacementStory } from "./PlacementStory.ts"
import { tellPolicyStory } from "./PolicyStory.ts"
import { createTranscript, type Transcript } from "./Transcript.ts"

// `node stories.js SEED [STORY]`: tells core's stories and prints a digest of each; with a name, all that it says.

const stories: ReadonlyArray<readonly [name: string, tell: (seed: string, to: Transcript) => void]> = [
  ["cluster", tellClusterStory],
  ["placements", tellPlacementStory],
  ["policies", tellPolicyStory],
  ["monitor", tellMonitorStory],
]

const [seed = "1", dumped = ""] = process.argv.slice(2)
for (const [name, tell] of stories) {
  const dump = name === dumped ? (line: string) => process.stdout.write(`${line}\n`) : undefined
  const transcript = createTranscript(dump)
  tell(seed, transcript)
  if (dumped === "" || name === dumped)
    process.stdout.write(`${name} ${transcript.entries()} entries ${transcript.digest()}\n`)
}
