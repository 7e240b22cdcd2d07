import { pathToFileURL } from "node:url"
import * as SqliteJournal from "../../../runtime/journal/SqliteJournal.ts"
import { appendForever, runUntilKilled } from "./AppendForever.ts"

const [path, workerScript] = process.argv.slice(2) as [string, string]

runUntilKilled(
  appendForever(SqliteJournal.make({ path, workerScript: pathToFileURL(workerScript), keepEvents: 500 })),
)
