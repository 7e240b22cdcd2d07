import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** Why certificates cannot be made here; undefined when they can. */
export const missingForCertificates: string | undefined =
  spawnSync("openssl", ["version"]).status === 0 ? undefined : "needs openssl"

if (missingForCertificates !== undefined) {
  process.stderr.write(`skipping tests with certificates: ${missingForCertificates}\n`)
}

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Makes an authority of its own in a folder, and signs with it. */
export const makeAuthority = (folder: string, name = "ca") => {
  const path = (file: string) => join(folder, file)
  const openssl = (...words: ReadonlyArray<string>) =>
    execFileSync("openssl", words, { stdio: ["ignore", "pipe", "pipe"] })
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  const ca = path(`${name}.pem`)
  const caKey = path(`${name}.key`)
  openssl("req", "-x509", ...newKey, "-days", "2", "-subj", `/CN=${name}`, "-keyout", caKey, "-out", ca)

  const sign = (holder: string, names: string): Certificate => {
    const [cert, key, request, extensions] = ["pem", "key", "csr", "ext"].map((end) =>
      path(`${name}-${holder}.${end}`),
    ) as [string, string, string, string]
    writeFileSync(extensions, `subjectAltName=${names}\n`)
    openssl("req", ...newKey, "-subj", `/CN=${holder}`, "-keyout", key, "-out", request)
    const by = ["-CA", ca, "-CAkey", caKey, "-CAcreateserial", "-days", "2", "-extfile", extensions]
    openssl("x509", "-req", "-in", request, ...by, "-out", cert)
    chmodSync(key, 0o600)
    return { cert, key }
  }
  return { ca, sign }
}
