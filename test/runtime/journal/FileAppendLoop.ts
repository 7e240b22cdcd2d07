import * as FileJournal from "../../../runtime/journal/FileJournal.ts"
import { appendForever, runUntilKilled } from "./AppendForever.ts"

const [path] = process.argv.slice(2) as [string]

// Written anew often, so that a kill falls into that too.
runUntilKilled(appendForever(FileJournal.make({ path, compactBytes: 20_000, keepEvents: 10 })))
