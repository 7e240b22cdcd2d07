import { expect, it } from "vitest"
import { replayAgent } from "../support/transcripts/AgentReplay.ts"
import { agentScenes } from "../support/transcripts/AgentScenes.ts"
import { readTranscripts } from "../support/transcripts/Transcript.ts"
import { writeFileSync } from "node:fs"
it("x", { timeout: 60000 }, async () => {
  const all = []
  for (const scene of agentScenes) all.push(...(await replayAgent(scene, readTranscripts())))
  const t = all.map(o => o.name + (o.differences.length === 0 ? " MATCH" : "\n" + o.differences.map(d => `    ${d.path}\n       M ${d.recorded}\n       G ${d.ours}`).join("\n"))).join("\n")
  writeFileSync("/tmp/agentapi-diff.txt", t)
  console.info(all.length, all.filter(o => o.differences.length === 0).length)
  expect(1).toBe(1)
})
