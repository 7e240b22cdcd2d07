/** `host:port`, an IPv6 address in brackets (RFC 3986 §3.2.2). */
export const hostAndPort = (host: string, port: number): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`

/** Without a slash at the end. */
export const httpUrl = (host: string, port: number, scheme: Scheme = "http"): string =>
  `${scheme}://${hostAndPort(host, port)}`

export type Scheme = "http" | "https"

export const schemeOf = (url: string): Scheme => (/^https:/i.test(url) ? "https" : "http")
