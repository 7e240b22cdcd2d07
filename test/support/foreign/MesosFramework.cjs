// A framework as a user of npm's mesos-framework writes one, after its examples: one group of tasks that go on and one that
// ends. Each event of the library goes to the parent as a message; a message from there is a method of the library to call.
"use strict"

const [packages, settings] = [process.argv[2], JSON.parse(process.argv[3])]
const { Scheduler, Mesos } = require(`${packages}/mesos-framework`)
const mesos = Mesos.getMesos()

const say = (type, data) => process.send?.({ type, data })

const task = (command, instances) => ({
  priority: 1,
  instances,
  commandInfo: new mesos.CommandInfo(null, null, true, command, null, null),
  resources: { cpus: 0.1, mem: 32, ports: settings.ports, disk: 0 },
})

const scheduler = new Scheduler({
  masterUrl: settings.host,
  port: settings.port,
  frameworkName: "foreign",
  // Above the heartbeats' interval, as its documentation asks for.
  masterConnectionTimeout: 40,
  logging: { path: ".", fileName: "foreign.log", level: "debug" },
  tasks: settings.isFresh ? { staying: task(settings.staying, 2), ending: task(settings.ending, 2) } : {},
})

// As its documentation tells those who keep the id themselves, without ZooKeeper.
scheduler.frameworkId = settings.frameworkId

for (const type of ["subscribed", "offers", "update", "heartbeat", "failure", "task_launched"])
  scheduler.on(type, (data) => say(type, data))
for (const type of ["accept", "decline", "acknowledge", "kill", "reconcile", "revive", "teardown"])
  scheduler.on(`sent_${type}`, () => say(`sent_${type}`))

let isSubscribed = false
scheduler.on("subscribed", () => {
  isSubscribed = true
})
scheduler.on("error", (error) => {
  const message = error.message ?? String(error)
  say("error", message)
  if (message.startsWith("Long-running connection was closed")) isSubscribed = false
  // The library tries once after a stream's end; a master that is still starting is tried again.
  else if (!isSubscribed && message.startsWith("There was a problem with the request"))
    setTimeout(() => scheduler.subscribe(), 500)
})

scheduler.on("ready", () => scheduler.subscribe())
process.on("message", ({ call, words = [] }) => scheduler[call](...words))
