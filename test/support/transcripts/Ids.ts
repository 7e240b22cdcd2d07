/** A UUID, alone or as the beginning of an agent's, an offer's or a framework's id. */
const idPattern = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:-S\d+|-O\d+|-\d{4})?/g

export const idsIn = (text: string): ReadonlyArray<string> => text.match(idPattern) ?? []

/** What an id names: `S` an agent, `O` an offer, `0` a framework, the empty text a master, a stream, a container. */
const kindOf = (id: string): string => /-([SO\d])\d*$/.exec(id.slice(36))?.[1]?.replace(/\d/, "0") ?? ""

/**
 * Which of our ids stands for which recorded one. Learnt in the order in which they appear in replies; from then on
 * each must stay with its partner.
 */
export class Ids {
  private readonly oursByRecorded = new Map<string, string>()
  private readonly recordedByOurs = new Map<string, string>()
  private readonly oursByWord = new Map<string, string>()

  bind(recorded: string, ours: string): void {
    this.oursByRecorded.set(recorded, ours)
    this.recordedByOurs.set(ours, recorded)
  }

  isBound(recorded: string): boolean {
    return this.oursByRecorded.has(recorded)
  }

  isOursBound(ours: string): boolean {
    return this.recordedByOurs.has(ours)
  }

  oursOf(recorded: string): string | undefined {
    return this.oursByRecorded.get(recorded)
  }

  /** For names that look like no id: they are known only where they were bound. */
  bindWord(recorded: string, ours: string): void {
    this.oursByWord.set(recorded, ours)
  }

  /** A recorded text with our ids in it; ids that are not known yet stay. */
  toOurs(text: string): string {
    const withIds = text.replace(idPattern, (id) => this.oursByRecorded.get(id) ?? id)
    return [...this.oursByWord].reduce((all, [word, ours]) => all.split(word).join(ours), withIds)
  }

  /** Whether both texts say the same, and with ids that belong together; learns what is new in them. */
  isSame(recorded: string, ours: string): boolean {
    if (this.oursByWord.get(recorded) === ours) return true
    if (recorded.replace(idPattern, "") !== ours.replace(idPattern, "")) return false
    const [left, right] = [idsIn(recorded), idsIn(ours)]
    return left.length === right.length && left.every((id, index) => this.isPair(id, right[index] ?? ""))
  }

  private isPair(recorded: string, ours: string): boolean {
    // Our agents take over what recorded ones made up, such as the ids of containers.
    if (recorded === ours) return true
    const [partner, owner] = [this.oursByRecorded.get(recorded), this.recordedByOurs.get(ours)]
    if (partner !== undefined || owner !== undefined) return partner === ours
    if (kindOf(recorded) !== kindOf(ours)) return false
    this.bind(recorded, ours)
    return true
  }
}
