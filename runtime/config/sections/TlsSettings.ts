import { file } from "../Kinds.ts"
import { switched } from "../Setting.ts"

// HTTPS between the daemons of a cluster, and with its clients: as a whole or not at all.

/** For whatever connects to a master. */
export const tlsClientSettings = {
  tlsCa: file({
    meaning: "PEM file of those who sign the certificates of this cluster",
    initial: null,
    initialText: "the well-known authorities",
    isShared: true,
  }),
  tlsCert: file({
    meaning:
      "PEM file with the certificate to serve HTTPS with, and to show to those who ask for one; with its intermediate ones",
    initial: null,
    initialText: "none, plain HTTP",
    isShared: true,
  }),
  tlsKey: file({
    meaning: "PEM file with the key of the certificate; only this user may read it",
    initial: null,
    initialText: "none",
    isShared: true,
  }),
}

export const tlsRequireClientCertSetting = switched({
  meaning: "Answer only clients with a certificate that --tls-ca has signed",
  initial: false,
})
