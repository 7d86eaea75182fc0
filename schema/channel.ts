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
  close(): void
}

/** Opens one end of a typed channel. Messages of one direction arrive in the order they were sent. */
export function openChannel<Out extends { kind: string }, In extends { kind: string }>(
  port: Port,
  handlers: Handlers<In>,
  onClose?: () => void,
): Channel<Out> {
  port.on('message', (message) => handlers[(message as In).kind as In['kind']](message as never))
  if (onClose) port.on('close', onClose)
  return {
    send: (message, transfer = []) => port.postMessage(message, transfer),
    close: () => port.close(),
  }
}
