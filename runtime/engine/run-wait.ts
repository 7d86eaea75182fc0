import type { EngineDeps } from './context.ts'

/** What a run waits for, as people see it, and the alarm that ends the wait. */
export class RunWait {
  readonly #deps: Pick<EngineDeps, 'wakeAt'>
  #forgetAlarm: (() => void) | undefined
  #why: string | undefined
  /** a queued run that yielded in a wait has nothing to do before */
  notBefore = 0

  constructor(deps: Pick<EngineDeps, 'wakeAt'>) {
    this.#deps = deps
  }

  get why(): string | undefined {
    return this.#why
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
