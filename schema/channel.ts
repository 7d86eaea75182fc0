/** The part of a MessagePort that a channel needs; kept structural so that this folder imports no `node:`. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void
  on(event: string, listener: (message: unknown) => void): unknown
  close(): void
}

/** One handler a message kind: a kind that is added to the union and not handled does not compile. */
export type Handlers<In extends { kind: string }> = {
  [K in In['kind']]: (message: Extract<In, { kind: K }>) => void
}

export interface Channel<Out extends { kind: string }> {
  send(message: Out, transfer?: Transferable[]): void
  /** Several at once, which wakes the other side once. */
  sendAll(messages: readonly Out[]): void
  close(): void
}

/** Opens one end of a typed channel. Messages of one direction arrive in the order they were sent. */
export function openChannel<Out extends { kind: string }, In extends { kind: string }>(
  port: Port,
  handlers: Handlers<In>,
  onClose?: () => void,
): Channel<Out> {
  const hear = (message: In): void => handlers[message.kind as In['kind']](message as never)
  port.on('message', (sent) => {
    if (Array.isArray(sent)) for (const message of sent) hear(message)
    else hear(sent as In)
  })
  if (onClose) port.on('close', onClose)
  return {
    send: (message, transfer = []) => port.postMessage(message, transfer),
    sendAll: (messages) => port.postMessage(messages, []),
    close: () => port.close(),
  }
}
