/** One open answer to a framework or an agent, to which records are written. */
export interface OutgoingStream {
  /** Writes a record of JSON text; without effect when the peer is gone. */
  readonly send: (json: string) => void
  readonly end: () => void
  /** How often its peer is asked to say that it lives; left out: as often as its protocol says. */
  readonly paceMs?: number
  /** What tells its peer that the master lives, where that is not always the same. */
  readonly heartbeat?: () => Heartbeat
}

export interface Heartbeat {
  readonly json: string
  /** Until the next one. */
  readonly waitMs: number
}

/** The open streams by id. A stream that is not here is gone; what would be sent to it is sent to nobody. */
export interface Streams {
  readonly open: (streamId: string, stream: OutgoingStream) => void
  /** Forgets a stream that its peer has closed. */
  readonly forget: (streamId: string) => void
  readonly send: (streamId: string, record: object) => void
  /** The same for a record that is JSON text already. */
  readonly sendJson: (streamId: string, json: string) => void
  readonly paceMs: (streamId: string) => number | undefined
  readonly end: (streamId: string) => void
  /** Writes a record now and then every `everyMs`, as long as the stream lives; or the heartbeats that it brings. */
  readonly repeat: (streamId: string, record: object, everyMs: number) => void
  readonly endAll: () => void
}

interface Entry {
  readonly stream: OutgoingStream
  timer: NodeJS.Timeout | undefined
}

export const makeStreams = (): Streams => {
  const entries = new Map<string, Entry>()
  const forget = (streamId: string) => {
    clearInterval(entries.get(streamId)?.timer)
    entries.delete(streamId)
  }
  const end = (streamId: string) => {
    const entry = entries.get(streamId)
    forget(streamId)
    entry?.stream.end()
  }
  return {
    open: (streamId, stream) => {
      entries.set(streamId, { stream, timer: undefined })
    },
    forget,
    send: (streamId, record) => entries.get(streamId)?.stream.send(JSON.stringify(record)),
    sendJson: (streamId, json) => entries.get(streamId)?.stream.send(json),
    paceMs: (streamId) => entries.get(streamId)?.stream.paceMs,
    end,
    repeat: (streamId, record, everyMs) => {
      const entry = entries.get(streamId)
      if (entry === undefined) return
      const { send, heartbeat } = entry.stream
      clearTimeout(entry.timer)
      if (heartbeat === undefined) {
        const json = JSON.stringify(record)
        send(json)
        entry.timer = setInterval(() => send(json), everyMs)
        return
      }
      const beat = () => {
        const { json, waitMs } = heartbeat()
        entry.timer = setTimeout(beat, waitMs)
        send(json)
      }
      beat()
    },
    endAll: () => {
      for (const streamId of [...entries.keys()]) end(streamId)
    },
  }
}
