import { readFileSync, statSync } from "node:fs"
import { parsePolicyFile, policyFileLengthMost } from "../../core/policies/PolicyFile.ts"

/** A policy file as it lies on disk; null = the default policy. */
export type PolicyFileText = { readonly path: string; readonly text: string } | null

/** An Error that names the place when the file cannot be read. */
export const readPolicyFileText = (path: string | null): PolicyFileText | Error => {
  if (path === null) return null
  try {
    if (statSync(path).size > policyFileLengthMost) {
      return new Error(`the policy file ${path} is longer than ${policyFileLengthMost} bytes: it is none`)
    }
    return { path, text: readFileSync(path, "utf8") }
  } catch (error) {
    return new Error(`the policy file ${path} cannot be read (${(error as Error).message})`)
  }
}

/** Why a monitor would refuse the file, in its words; undefined when it would run it. */
export const whyPolicyRefused = (path: string | null): string | undefined => {
  const file = readPolicyFileText(path)
  if (file === null) return undefined
  if (file instanceof Error) return file.message
  const parsed = parsePolicyFile(file.text)
  return parsed._tag === "Accepted" ? undefined : `${file.path}: ${parsed.reason}`
}
