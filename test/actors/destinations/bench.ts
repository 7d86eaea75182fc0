import type { Test } from 'tap'
import type {
  DestinationKind,
  DestinationWriter,
  Row,
} from '../../../actors/destinations/writer.ts'
import type { Target } from '../../../schema/protocol.ts'
import { type AttemptInput, dayRange, runAttempt } from './attempts.ts'

/** A fresh, empty destination for one test. */
export interface Place {
  /** for `kind.openWriter` */
  config: Record<string, unknown>
  /** all rows that a user of this stream sees now, in any order; must not need the writer */
  rows(target: Target): Promise<Row[]>
  /** names of what no finished attempt may leave: temp files, stages, open uploads */
  leftovers(target: Target): Promise<string[]>
}

export type OnStep = (step: string) => Promise<void>

export interface Conformance {
  kind: DestinationKind
  open(t: Test): Promise<Place>
  target(config: Record<string, unknown>, more?: Partial<Target>): Target
  /**
   * A writer that awaits `onStep` before each of its steps outside; when that throws, so does the step, undone.
   * Destinations without it skip the tests that stop the world.
   */
  openStepped?(t: Test, config: Record<string, unknown>, onStep: OnStep): DestinationWriter
  /** true when a key is unique over the stream, false when each range keeps its own rows */
  mergesByKey: boolean
  /** true when absence in a range removes rows, so that a suspicious read must not do so at once */
  guardsShrinking?: boolean
}

/** One destination in use, with what a test needs of it. */
export interface Bench extends Place {
  kind: DestinationKind
  writer: DestinationWriter
  target: Target
  run(input: Partial<AttemptInput>): ReturnType<typeof runAttempt>
  /** what is visible, as sorted `id:version` texts */
  visible(): Promise<string[]>
}

export async function openBench(
  t: Test,
  suite: Conformance,
  more: Partial<Target> = {},
): Promise<Bench> {
  const place = await suite.open(t)
  const writer = suite.kind.openWriter(place.config)
  t.teardown(() => writer.close())
  const target = suite.target(place.config, more)
  return {
    ...place,
    kind: suite.kind,
    writer,
    target,
    run: (input) =>
      runAttempt(suite.kind, writer, { target, range: dayRange(0), pages: [], ...input }),
    visible: async () => versions(await place.rows(target)),
  }
}

/** Rows as sorted `id:version`. */
export const versions = (rows: readonly Row[]): string[] =>
  rows.map(({ id, version }) => `${id}:${version}`).sort()

/** A range that the supervisor wants read again, whatever the destination has. */
export const again = (day: number) => dayRange(day, { committedFence: Infinity })
