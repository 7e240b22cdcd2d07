/** How large a cluster is. Framework i is in role `role<i mod roles>`, or all of them in `*` when there is one role. */
export interface Shape {
  readonly agents: number
  readonly frameworks: number
  readonly roles: number
}

/** A shape as it was asked for; null = the roles were left open. */
export type WantedShape = Omit<Shape, "roles"> & { readonly roles: number | null }

/** `10000x200`, with more than one role `10000x200x50`. */
export const shapeToText = ({ agents, frameworks, roles }: Shape): string =>
  roles === 1 ? `${agents}x${frameworks}` : `${agents}x${frameworks}x${roles}`

/** What is wrong with it as a text. */
export const parseShape = (text: string): WantedShape | string => {
  const match = /^(\d{1,7})x(\d{1,6})(?:x(\d{1,6}))?$/i.exec(text)
  if (match === null)
    return `"${text}" is not AGENTSxFRAMEWORKS or AGENTSxFRAMEWORKSxROLES, such as 10000x200`
  const agents = Number(match[1])
  const frameworks = Number(match[2])
  const roles = match[3] === undefined ? null : Number(match[3])
  if (agents === 0 || frameworks === 0 || roles === 0) return `"${text}": there must be one of each`
  if (roles !== null && roles > frameworks) return `"${text}": more roles than frameworks`
  return { agents, frameworks, roles }
}
