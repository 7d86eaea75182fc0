import type { Channel } from '../schema/channel.ts'
import type { RangeEvent } from '../schema/protocol.ts'

/** What one attempt tells the supervisor. */
export interface RangeEvents extends Channel<RangeEvent> {
  /** Tells it with the next event: nobody needs it sooner, and each time that the supervisor is woken costs more than a message. */
  hold(event: RangeEvent): void
}

export function rangeEvents(channel: Channel<RangeEvent>): RangeEvents {
  let held: RangeEvent | undefined
  return {
    hold: (event) => {
      held = event
    },
    send: (event, transfer) => {
      if (held) channel.send(held)
      held = undefined
      channel.send(event, transfer)
    },
    close: () => channel.close(),
  }
}
