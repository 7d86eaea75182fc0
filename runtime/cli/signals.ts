import type { Logger } from '../log.ts'

/** A fault of ours that nothing caught ends the process: the log says what it was, and the next start goes on. */
export function logLastWords(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal(
      { err: error },
      'Derrick ends by a fault of its own; the next start goes on where it was',
    )
    process.exit(1)
  })
}

/** Resolves with the first signal to stop; a second one ends the process at once. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stopping = false
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (stopping) process.exit(1)
        stopping = true
        resolve(signal)
      })
    }
  })
}
