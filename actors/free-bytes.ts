import { isMarkedAsUntransferable } from 'node:worker_threads'

/** What a socket reads into is shared among buffers, and no larger. */
const mostShared = 64 * 1024

/**
 * Gives the memory of large bytes back at once; they are empty afterwards. V8 marks the whole heap for every few dozen
 * megabytes of buffers that wait for it, which pages would make it do twice a second. Only for bytes that nothing else
 * looks at, least of all a write under way.
 */
export function freeBytes({ buffer }: Uint8Array): void {
  if (buffer.byteLength <= mostShared || !(buffer instanceof ArrayBuffer)) return
  // Node's pool is a little larger, and gives nothing away.
  if (!isMarkedAsUntransferable(buffer)) buffer.transfer(0)
}
