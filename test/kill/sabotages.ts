import type { Sabotage } from '../../schema/sabotage.ts'

/** Who must notice a deliberate breach of a promise. */
export interface Watch {
  /** the promises that it breaks, as in promises/promises.ts */
  breaks: `P${number}`[]
  /** below test/ */
  file: string
  /** where its title is written, when the file runs what is shared with others */
  writtenIn?: string
  /** that fails by it; for `kills` the one which says that the harness noticed */
  test: string
  /** `kills`: an executable with the breach is killed until a violation shows; `test`: the test runs with the breach set */
  by: 'kills' | 'test'
  needs?: 'postgres'
}

const destinations = 'actors/destinations'

/** All breaches that can be built in; a new one without an entry here is no program. */
export const sabotages = {
  mark_before_commit: {
    breaks: ['P1', 'P3'],
    file: 'kill/sabotage.test.ts',
    test: 'the harness notices mark_before_commit',
    by: 'kills',
  },
  cleanup_first: {
    breaks: ['P4', 'P8'],
    file: 'kill/sabotage.test.ts',
    test: 'the harness notices cleanup_first',
    by: 'kills',
  },
  no_fence: {
    breaks: ['P25'],
    file: 'kill/sabotage.test.ts',
    test: 'the harness notices no_fence',
    by: 'kills',
  },
  skip_cleanup: {
    breaks: ['P3', 'P11'],
    file: `${destinations}/local-file/local-file.test.ts`,
    writtenIn: `${destinations}/conformance.ts`,
    test: 'a range read again replaces its rows: same, fewer, more, none',
    by: 'test',
  },
  prefix_delete: {
    breaks: ['P7'],
    file: `${destinations}/local-file/faults.test.ts`,
    test: "users' own files stay, whatever happens",
    by: 'test',
  },
  no_guard: {
    breaks: ['P10', 'P25'],
    file: `${destinations}/postgres/order.test.ts`,
    test: 'a key in several ranges: the newest version wins in any order',
    by: 'test',
    needs: 'postgres',
  },
} satisfies Record<Exclude<Sabotage, ''>, Watch>

export type Breach = keyof typeof sabotages

/** All of them, or those that are noticed in one way. */
export const breachesBy = (by: Watch['by']): Breach[] =>
  (Object.keys(sabotages) as Breach[]).filter((breach) => sabotages[breach].by === by)
