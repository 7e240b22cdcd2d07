import { constants } from "node:os"

// Node knows no name for a used up quota: its code is "Unknown system error -122".

interface SystemError {
  readonly code?: unknown
  readonly errno?: unknown
}

/** Whether a file system refused to keep more, because it is full or a quota is used up. */
export const isNoRoom = (error: unknown): boolean => {
  const { code, errno } = error as SystemError
  return code === "ENOSPC" || isQuota({ code, errno })
}

/** Whether a quota is what is used up. */
export const isQuota = ({ code, errno }: SystemError): boolean =>
  code === "EDQUOT" || errno === -constants.errno.EDQUOT
