import type { Channel } from '../schema/channel.ts'
import type { RangeEvent } from '../schema/protocol.ts'

/** What one attempt tells the supervisor. */
export interface RangeEvents extends Pick<Channel<RangeEvent>, 'send' | 'close'> {
  /** Tells it with the next event: nobody needs it sooner, and each time that the supervisor is woken costs more than a message. */
  hold(event: RangeEvent): void
}

export function rangeEvents(channel: Channel<RangeEvent>): RangeEvents {
  const held: RangeEvent[] = []
  return {
    hold: (event) => void held.push(event),
    send: (event, transfer) => {
      if (held.length === 0) return channel.send(event, transfer)
      // A message with a port goes alone.
      if (transfer) {
        channel.sendAll(held.splice(0))
        channel.send(event, transfer)
      } else channel.sendAll([...held.splice(0), event])
    },
    close: () => channel.close(),
  }
}
