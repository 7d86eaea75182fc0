import type { EngineDeps, StreamContext } from './context.ts'
import { askedWait } from './stream-rules.ts'

type WaitDeps = Pick<EngineDeps, 'wakeAt' | 'governors' | 'queue' | 'now'>

/** What a run waits for, as people see it, and the alarm that ends the wait. */
export class RunWait {
  readonly #deps: WaitDeps
  #forgetAlarm: (() => void) | undefined
  #why: string | undefined
  /** a queued run that yielded in a wait has nothing to do before */
  notBefore = 0

  constructor(deps: WaitDeps) {
    this.#deps = deps
  }

  /**
   * What people see: of a run that reads, what its requests wait for.
   * @param queuedRun its id while it waits for permits
   */
  shown(
    source: StreamContext['source'],
    { reads, queuedRun }: { reads: boolean; queuedRun: string | null },
  ): string | undefined {
    const { governors, queue, now } = this.#deps
    if (reads) return governors.waitingFor(source.id) ?? this.#why
    if (this.#why !== undefined || queuedRun === null) return this.#why
    return askedWait(source, now())?.why ?? queue.waitingFor(queuedRun)
  }

  /** True when it was something else before. */
  say(why: string | undefined): boolean {
    const isNew = this.#why !== why
    this.#why = why
    return isNew
  }

  wake(at: number, call: () => void): void {
    this.forget()
    this.#forgetAlarm = this.#deps.wakeAt(at, call)
  }

  forget(): void {
    this.#forgetAlarm?.()
    this.#forgetAlarm = undefined
  }
}
