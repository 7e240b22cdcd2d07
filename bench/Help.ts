import { modes } from "./allocation/Job.ts"
import { modeNotes } from "./allocation/Tables.ts"
import { workloadNames } from "./placements/Recorded.ts"
import { wireModes } from "./wire/Job.ts"
import { wireModeNotes } from "./wire/Table.ts"

export const helpText = (): string => `npm run bench -- [SUITE …] [OPTION …]

Figures, verified before they are believed. A wrong result is told instead of its time, and the exit code is 1.
Without a suite all of them run, and bench-report/ gets report.html and report.json.

suites
  allocation   cycles of the allocator beside those recorded for Apache Mesos, each job in a process of its own
  placements   tasks placed one by one on request, in the workloads of kube-scheduler's own benchmark; each job likewise
  policies     evaluation of reservation policies on a seeded fleet
  monitor      both loops of the monitor, many hosts at once
  restart      gleaner master on the journal of 10,000 agents and 100,000 tasks, from its start to its first answer; a minute
  wire         a real master, everything durable, with emulated agents and frameworks over loopback; some four minutes

options
  --json              one object a line on standard output
  --out FOLDER        write report.html and report.json there
  --help

options of allocation
  --mode MODE,…       ${modes.join(", ")}; all of them when left out
  --shape SHAPE,…     AGENTSxFRAMEWORKS or AGENTSxFRAMEWORKSxROLES. Left out: those that were recorded, and 100000x1000.
                      Without ROLES: every recorded number of roles of that pair, else one; in quota one a framework.
                      Without --mode: in the modes that have the shape among theirs, else in full
  --rounds N          full: rounds; decline: saturated cycles; quota: allocators; incremental: changes
  --variant V         alike (as recorded) or mixed (no two hosts, weights, quotas the same); both when left out
  --settings S        mesos (as recorded) or default (gleaner's own); mesos when left out, and default for a few shapes
  --cold              do not warm up on a small cluster first
  --profile FOLDER    leave a CPU profile of each process there

options of placements
  --workload NAME,…   ${workloadNames.slice(0, 4).join(", ")},
                      ${workloadNames.slice(4).join(", ")}; all of them when left out
  --rounds N          20 when left out; each has an allocator of its own
  --variant V         alike (as stated) or mixed (no two hosts the same, tasks of many sizes); both when left out
  --cold, --profile FOLDER as above

options of restart
  --agents N, --tasks N, --rounds N   10000, 100000 and 3 starts when left out

options of wire
  --mode MODE,…       ${wireModes.join(", ")}; all of them when left out
  --agents N, --frameworks N, --tasks N
                      sizes; launches: tasks = cpus of all hosts together, and so the most in flight
  --seconds N, --rounds N
                      length and number of the timed rounds
  --profile FOLDER    leave CPU profiles of the master and of the emulator there

modes of allocation
${modes.map((mode) => `  ${mode.padEnd(13)}${modeNotes[mode]}`).join("\n")}

modes of wire
${wireModes.map((mode) => `  ${mode.padEnd(13)}${wireModeNotes[mode]}`).join("\n")}

examples
  npm run bench -- allocation --mode full --shape 10000x200
  npm run bench -- allocation --mode decline --shape 1000x50 --variant mixed --rounds 30
  npm run bench -- allocation --mode full,quota --json
  npm run bench -- allocation --shape 3000x3000 --profile /tmp/profiles
  npm run bench -- placements --workload basic-10000,topology-spreading --variant mixed
  npm run bench -- restart --agents 1000 --tasks 10000
  npm run bench -- wire --mode launches --json
  npm run bench -- wire --agents 20 --frameworks 2 --tasks 200 --seconds 1 --rounds 1
`
