import { describe, expect, it } from "vitest"
import { sections } from "../../../runtime/config/Catalogue.ts"
import { readSettings } from "../../../runtime/config/ReadSettings.ts"
import {
  settingsAsFlags,
  settingsHelp,
  settingsJson,
  settingsTable,
} from "../../../runtime/config/SettingsText.ts"
import { masterSection } from "../../../runtime/config/sections/MasterSection.ts"

const surroundings = { environment: { GLEANER_MASTER_PORT: "7" }, homeFolder: "/h", userId: 0 }

describe("help of a table of settings", () => {
  it.each(sections.map((section) => [section.command, section] as const))(
    "of %s fits a terminal and leaves nothing out",
    (_, section) => {
      const help = settingsHelp(section, surroundings)
      expect(help.split("\n").filter((line) => line.length > 100)).toEqual([])
      for (const key of Object.keys(section.settings)) {
        const { isHidden, meaning } = section.settings[key]!
        expect(help.includes(meaning.split(" ").slice(0, 3).join(" ")), key).toBe(!isHidden)
      }
      expect(help).toContain("Examples\n  gleaner ")
    },
  )
})

describe("the settings in force", () => {
  const reading = readSettings(masterSection, ["--weight", "web=2", "--no-authentication"], surroundings)
  if (reading._tag !== "Settled") throw new Error("refused")

  it("are a table with who said what", () => {
    const lines = settingsTable(masterSection, reading.settled).split("\n")
    const cells = lines.map((line) => line.split(/ {2,}/))
    expect(cells).toContainEqual(["port", "7", "$GLEANER_MASTER_PORT"])
    expect(cells).toContainEqual(["authentication", "false", "--no-authentication"])
    expect(cells).toContainEqual(["weight", "web=2", "--weight"])
    expect(cells).toContainEqual(["host", "127.0.0.1", "default"])
    expect(lines.join()).not.toContain("with-parent")
  })

  it("are flags of Mesos for its API, without those that nobody gave a value", () => {
    const flags = settingsAsFlags(masterSection, reading.settled)
    expect(flags).toContainEqual({ name: "port", value: "7" })
    expect(flags).toContainEqual({ name: "weight", value: "web=2" })
    expect(flags).toContainEqual({ name: "filter_gpu_resources", value: "true" })
    const names = flags.map(({ name }) => name)
    expect(names).toEqual([...names].sort())
    for (const name of ["quota", "offer_timeout", "with_parent"]) expect(names).not.toContain(name)
  })

  it("are JSON in the words of the file", () => {
    const { settings } = JSON.parse(settingsJson(masterSection, reading.settled))
    expect(settings.port).toEqual({ value: 7, source: "$GLEANER_MASTER_PORT" })
    expect(settings.weight).toEqual({ value: { web: 2 }, source: "--weight" })
    expect(settings.authentication.value).toBe(false)
    expect(settings.advertise.value).toBeNull()
  })
})
