import type { Progress } from '../../schema/event.ts'
import type { EngineDeps } from './context.ts'
import type { RunCoordinator } from './run-coordinator.ts'

/** At most this many progress events a second and run. */
const progressEveryMs = 250

/** The runs that are queued or running: one a stream, and what is shown of them while they are. */
export class ActiveRuns {
  readonly #deps: Pick<EngineDeps, 'queue' | 'emit' | 'now' | 'every'>
  readonly #byStream = new Map<string, RunCoordinator>()
  #stopTelling: (() => void) | undefined

  constructor(deps: Pick<EngineDeps, 'queue' | 'emit' | 'now' | 'every'>) {
    this.#deps = deps
  }

  get size(): number {
    return this.#byStream.size
  }

  ofStream(streamId: string): RunCoordinator | undefined {
    return this.#byStream.get(streamId)
  }

  ofSource(sourceId: string): RunCoordinator[] {
    return this.all().filter((run) => run.context.source.id === sourceId)
  }

  /** A copy: runs may end while they are told something. */
  all(): RunCoordinator[] {
    return [...this.#byStream.values()]
  }

  find(runId: string): RunCoordinator | undefined {
    for (const run of this.#byStream.values()) if (run.run.id === runId) return run
    return undefined
  }

  add(run: RunCoordinator): void {
    this.#byStream.set(run.run.streamId, run)
  }

  /** Its last sample is told, for those who saw the one before. */
  remove(run: RunCoordinator): void {
    this.#byStream.delete(run.run.streamId)
    this.#emit(run)
  }

  progress(): Progress[] {
    return this.all().map((run) => this.#progressOf(run))
  }

  startTelling(): void {
    this.#stopTelling = this.#deps.every(progressEveryMs, () => this.#tellProgress())
  }

  stopTelling(): void {
    this.#stopTelling?.()
  }

  #tellProgress(): void {
    // Hundreds may be queued, and nothing of them moves.
    for (const run of this.#byStream.values())
      if (!this.#deps.queue.has(run.run.id)) this.#emit(run)
  }

  #emit(run: RunCoordinator): void {
    const { workspaceId } = run.run
    this.#deps.emit({ kind: 'progress', workspaceId, progress: this.#progressOf(run) })
  }

  #progressOf(run: RunCoordinator): Progress {
    const { rangesComplete, rangesTotal } = run.run
    return run.progress.sample(
      run.run,
      { done: rangesComplete, total: rangesTotal },
      run.waiting,
      this.#deps.now(),
    )
  }
}
