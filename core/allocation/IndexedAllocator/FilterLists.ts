import { grownInt32 } from "./Growable.ts"

const NONE = -1
/** Words of a block: two lines of cache. A head of two (next block, number of entries), then ten entries of three. */
const blockWords = 32
const headWords = 2
const entryWords = 3
const entriesMax = 10

/**
 * A list of (client, refused, filter) for each host, in blocks of one buffer: reading a list of fifty touches ten lines of cache, where
 * a list of linked records would touch fifty. The first block has room, those behind it are full. A *place* is where an
 * entry begins in the buffer.
 */
export class FilterLists {
  private words: Int32Array = new Int32Array(16 * blockWords)
  private blocks = 0
  private freeBlock = NONE
  private heads: Int32Array = new Int32Array(16).fill(NONE)

  reserve(hosts: number): void {
    const grown = grownInt32(this.heads, hosts)
    if (grown !== this.heads) grown.fill(NONE, this.heads.length)
    this.heads = grown
  }

  /** Where the host's entries begin; -1 = it has none. */
  firstPlace(host: number): number {
    const block = this.heads[host]!
    return block === NONE ? NONE : block * blockWords + headWords
  }

  nextPlace(place: number): number {
    const { words } = this
    const base = place - (place % blockWords)
    const next = place + entryWords
    if (next < base + headWords + words[base + 1]! * entryWords) return next
    const block = words[base]!
    return block === NONE ? NONE : block * blockWords + headWords
  }

  clientAt(place: number): number {
    return this.words[place]!
  }

  refusedAt(place: number): number {
    return this.words[place + 1]!
  }

  filterAt(place: number): number {
    return this.words[place + 2]!
  }

  lastFilterOf(host: number): number {
    const place = this.firstPlace(host)
    return place === NONE ? NONE : this.filterAt(place)
  }

  filtersOf(host: number): ReadonlyArray<number> {
    const filters: Array<number> = []
    for (let place = this.firstPlace(host); place !== NONE; place = this.nextPlace(place)) {
      filters.push(this.filterAt(place))
    }
    return filters
  }

  /** Adds an entry; its place. */
  append(host: number, client: number, refused: number, filter: number): number {
    let block = this.heads[host]!
    if (block === NONE || this.words[block * blockWords + 1] === entriesMax)
      block = this.addBlock(host, block)
    const base = block * blockWords
    const place = base + headWords + this.words[base + 1]! * entryWords
    this.words[base + 1] = this.words[base + 1]! + 1
    this.words[place] = client
    this.words[place + 1] = refused
    this.words[place + 2] = filter
    return place
  }

  /** Removes an entry: the last of the first block takes its place. The filter that moved; -1 = none. */
  remove(host: number, place: number): number {
    const { words } = this
    const block = this.heads[host]!
    const base = block * blockWords
    const count = words[base + 1]! - 1
    const last = base + headWords + count * entryWords
    words[base + 1] = count
    if (last !== place) words.copyWithin(place, last, last + entryWords)
    if (count === 0) {
      this.heads[host] = words[base]!
      words[base] = this.freeBlock
      this.freeBlock = block
    }
    return last === place ? NONE : words[place + 2]!
  }

  private addBlock(host: number, next: number): number {
    let block = this.freeBlock
    if (block === NONE) {
      block = this.blocks++
      this.words = grownInt32(this.words, this.blocks * blockWords)
    } else this.freeBlock = this.words[block * blockWords]!
    this.words[block * blockWords] = next
    this.words[block * blockWords + 1] = 0
    this.heads[host] = block
    return block
  }
}
