/**
 * What Derrick promises under faults, and which tests show it: a file and a part of the test's title. Which deliberate breach
 * makes which of them fail is in kill/sabotages.ts.
 */
export interface Promised {
  /** promises of the whole, and what limits of APIs are to mean */
  id: `P${number}` | `A${number}`
  promise: string
  /** by fault: the tests that fail when it is broken */
  shownBy: [file: string, title: string][]
  /** what is not there yet that it speaks of */
  awaits?: string
}

const engine = 'runtime/engine/engine.test.ts'
const conformance = 'actors/destinations/conformance.ts'
const postgres = 'actors/destinations/postgres'
const simulated: [string, string] = ['simulate/simulate.test.ts', 'invariants hold in']

export const promises: Promised[] = [
  {
    id: 'P1',
    promise: 'a kill at any moment loses nothing',
    shownBy: [
      ['kill/kill.test.ts', 'a SIGKILL at any moment breaks no promise'],
      ['kill/postgres.test.ts', 'a SIGKILL at any moment breaks no promise at a database'],
      simulated,
    ],
  },
  {
    id: 'P2',
    promise: 'nor does one at any step of its own',
    shownBy: [['kill/kill.test.ts', 'nor does one at any of its own system calls']],
  },
  {
    id: 'P3',
    promise: 'complete means wholly and once',
    shownBy: [
      [`${postgres}/merge.test.ts`, 'one statement'],
      [conformance, 'a key that pages repeat lands once'],
    ],
  },
  {
    id: 'P4',
    promise: 'readers never see half a range',
    shownBy: [[`${postgres}/readers.test.ts`, 'a reader never sees two versions of a range']],
  },
  {
    id: 'P5',
    promise: 'a commit whose answer is lost is neither doubled nor lost',
    shownBy: [
      [`${postgres}/faults.test.ts`, 'whose answer is lost is found, not repeated'],
      [`${postgres}/silence.test.ts`, 'that never comes is asked for'],
      [`${postgres}/chunked.test.ts`, 'the old version or the new one, never both'],
    ],
  },
  {
    id: 'P6',
    promise: 'a cancel is answered within a second and leaves nothing partial',
    shownBy: [
      ['system/cancel.test.ts', 'in the back-off of a request'],
      ['system/cancel.test.ts', 'in a body that stalls'],
      ['system/cancel.test.ts', 'in a wait for a rate limit'],
      ['system/cancel.test.ts', 'in a commit that waits for a lock'],
      [conformance, 'nothing is visible before the commit, nor after an abort'],
    ],
  },
  {
    id: 'P7',
    promise: 'only the committed attempt is visible after recovery, and what is foreign stays',
    shownBy: [['actors/destinations/local-file/faults.test.ts', "users' own files stay"]],
    awaits: 'the S3 destination',
  },
  {
    id: 'P8',
    promise: 'a failed source never empties a destination',
    shownBy: [
      ['promises/bad-answers.test.ts', 'takes nothing away'],
      ['promises/bad-answers.test.ts', 'far fewer records than before take nothing away'],
      ['actors/connectors/manifest/errors.test.ts', 'never passes for an empty page'],
      ['actors/connectors/manifest/demo-shop.test.ts', 'never less data'],
      [conformance, 'with far fewer rows replaces them only when it is read twice'],
    ],
  },
  {
    id: 'P9',
    promise: 'Kafka: at least once, keyed, ordered in an attempt',
    shownBy: [],
    awaits: 'the Kafka destination',
  },
  {
    id: 'P10',
    promise: 'strategy and parallelism do not change the result',
    shownBy: [
      ['system/same-content.test.ts', 'end in the same content'],
      [`${postgres}/frozen.test.ts`, 'frozen sources'],
      [`${postgres}/order.test.ts`, 'order, retries and page sizes never change the content'],
    ],
  },
  {
    id: 'P11',
    promise: 'reading again changes nothing',
    shownBy: [
      [conformance, 'a row that did not change keeps the time of its last change'],
      [`${postgres}/readers.test.ts`, 'an unchanged range read again writes next to nothing'],
    ],
  },
  {
    id: 'P12',
    promise: 'ranges tile time',
    shownBy: [
      ['schema/tiling.test.ts', 'follow each other without gap'],
      ['schema/tiling.test.ts', 'every instant lies in exactly the tile'],
      simulated,
    ],
  },
  {
    id: 'P13',
    promise: 'zones and daylight saving do not matter',
    shownBy: [
      ['promises/host-zone.test.ts', 'plans and writes the same'],
      ['promises/host-zone.test.ts', 'days on which clocks change have the hours they have'],
      ['schema/tiling.test.ts', 'days of daylight saving have'],
      ['schema/tiling.test.ts', 'also in zones off the hour'],
    ],
  },
  {
    id: 'P14',
    promise: 'an open range is read again until it is closed',
    shownBy: [
      [engine, 'the open range stays unsealed and is read again'],
      ['schema/range-state.test.ts', 'a range is sealed only when it was read after'],
      ['system/time.test.ts', 'the open day is read by delta'],
    ],
  },
  {
    id: 'P15',
    promise: 'late data within the look-back are picked up',
    shownBy: [
      ['schema/revisit.test.ts', 'each range becomes final, was read after it had settled'],
    ],
  },
  {
    id: 'P16',
    promise: 'a record at a boundary belongs to one range',
    shownBy: [
      ['actors/connectors/manifest/demo-shop.test.ts', 'each record once and to the letter'],
      ['actors/simulator/oracle.test.ts', 'every record is in exactly one'],
    ],
  },
  {
    id: 'P17',
    promise: 'a clock that jumps fires nothing twice, completes no future and stops nobody',
    shownBy: [
      ['runtime/engine/scheduler.test.ts', 'a clock that went back fires nothing twice'],
      simulated,
    ],
  },
  {
    id: 'P18',
    promise: 'never two runs of a stream; limits hold, also while they change',
    shownBy: [
      ['promises/limits.test.ts', 'fifty triggers at once make one run'],
      ['promises/limits.test.ts', 'requests in flight stay under the bound of their source'],
      ['runtime/engine/source-governor.test.ts', 'never above a limit while limits change live'],
      simulated,
    ],
  },
  {
    id: 'P19',
    promise: 'each fault has its category, its waits, its tries, also over restarts',
    shownBy: [
      ['system/fault-matrix.test.ts', 'faults of APIs'],
      ['system/fault-matrix.test.ts', 'faults of destinations'],
      ['system/fault-matrix.test.ts', 'tries and their waits survive a restart'],
    ],
  },
  {
    id: 'P20',
    promise: 'Retry-After is obeyed by all that read from the source',
    shownBy: [
      ['actors/connectors/manifest/errors.test.ts', 'Retry-After is obeyed'],
      ['system/governor.test.ts', 'is obeyed by all ranges, and stored'],
    ],
  },
  {
    id: 'P21',
    promise: 'a refused sign-in is not hammered',
    shownBy: [
      ['system/clear-errors.test.ts', 'the source pauses after one range'],
      ['runtime/engine/stops.test.ts', 'a refused sign-in stops all runs of the source'],
    ],
  },
  {
    id: 'P22',
    promise: 'memory is bounded',
    shownBy: [
      ['promises/memory.test.ts', 'an API that sends and sends: memory stands'],
      ['promises/memory.test.ts', 'a destination that stands still: reading stands, too'],
      ['actors/sync-range.test.ts', 'a range whose destination is full holds nothing'],
      ['actors/destinations/spool.test.ts', 'spools over the worker bound wait'],
      ['actors/byte-budget.test.ts', 'pages wait until they fit'],
    ],
  },
  {
    id: 'P23',
    promise: 'a full or failing disk is a clear error and corrupts nothing',
    shownBy: [['system/clear-errors.test.ts', 'a full disk: destination, nothing half-written']],
  },
  {
    id: 'P24',
    promise: 'an outage of the destination heals by itself',
    shownBy: [
      [`${postgres}/session.test.ts`, 'a server that is away for some seconds'],
      ['kill/postgres.test.ts', 'nor does a fault between the program and its server'],
    ],
  },
  {
    id: 'P25',
    promise: 'an attempt that was overtaken cannot write',
    shownBy: [[conformance, 'an older attempt that wakes up cannot commit']],
  },
  {
    id: 'P26',
    promise: 'recovery from a crash shows',
    shownBy: [[engine, 'after a crash running ranges are failed, due at once']],
  },
  {
    id: 'P27',
    promise: 'a stop is graceful',
    shownBy: [
      [engine, 'a graceful stop lets commits finish'],
      ['system/serve.test.ts', 'over a stop and a start'],
    ],
  },
  {
    id: 'P28',
    promise: 'a second instance is refused',
    shownBy: [
      ['system/serve.test.ts', 'one process a data dir'],
      ['runtime/store/database.test.ts', 'a second instance is refused'],
    ],
  },
  {
    id: 'P29',
    promise: 'upgrades are whole or not at all',
    shownBy: [
      [
        'runtime/store/database.test.ts',
        'migrations: snapshot first, each step whole or not at all',
      ],
      ['system/clear-errors.test.ts', 'a database of a newer version is refused'],
    ],
  },
  {
    id: 'P30',
    promise: 'refresh tokens that change are used once',
    shownBy: [['system/sign-in.test.ts', 'use each refresh token once']],
  },
  {
    id: 'P31',
    promise: 'schemas evolve without a lost value',
    shownBy: [
      ['system/schema-change.test.ts', 'new columns and wider ones are told'],
      [`${postgres}/tables.test.ts`, 'kinds of values that mix'],
    ],
  },
  {
    id: 'P32',
    promise: 'numbers and texts are exact',
    shownBy: [
      ['actors/http/json.test.ts', 'numbers that a double would change keep their digits'],
      [`${postgres}/values.test.ts`, 'come back as the policy says'],
      [`${postgres}/corpus.test.ts`, 'hostile values'],
    ],
  },
  {
    id: 'P33',
    promise: 'loops of pages end',
    shownBy: [
      ['promises/bad-answers.test.ts', 'two pages that lead to each other'],
      ['actors/connectors/manifest/paging.test.ts', 'a repeated token, URL or page is a loop'],
    ],
  },
  {
    id: 'P34',
    promise: 'one bad record does not block the others',
    shownBy: [
      ['promises/bad-answers.test.ts', 'one bad record: all others land, and it is told'],
      [conformance, 'records without their key are rejected, the others land'],
      [conformance, 'hostile records land as they are or are rejected, each by itself'],
    ],
  },
  {
    id: 'P35',
    promise: 'the live console shows the truth',
    shownBy: [
      ['promises/console.test.ts', 'the feed of the console ends with what is so'],
      ['runtime/api/events.test.ts', 'a client that comes back gets what it missed'],
      ['web/live-feed.test.ts', 'a broken connection resumes where it was'],
    ],
  },
  {
    id: 'P36',
    promise: 'backups can be restored',
    shownBy: [
      ['promises/backup.test.ts', 'what was complete in a backup of a busy server is read no more'],
      ['runtime/cli/backup.test.ts', 'a backup of a running server starts another'],
      ['runtime/cli/backup.test.ts', 'what is no backup is refused'],
    ],
  },
  {
    id: 'A1',
    promise: 'requests in flight are never above any limit while limits change live',
    shownBy: [
      ['promises/limits.test.ts', 'the bound of a source changes while it is read'],
      ['promises/limits.test.ts', 'requests in flight stay under the bound of their source'],
      ['runtime/engine/source-governor.test.ts', 'never above a limit while limits change live'],
      simulated,
    ],
  },
  {
    id: 'A2',
    promise: 'fewer than one refusal in 1,000 calls at nine tenths of the allowed rate or more',
    shownBy: [
      ['promises/pace.test.ts', 'hardly a refusal at the rate that is allowed'],
      ['system/governor.test.ts', 'a limit holds over two workers and is used'],
      ['runtime/engine/source-governor.test.ts', 'the pace allowed is used'],
    ],
  },
  {
    id: 'A3',
    promise: 'no run is stuck after any of it',
    shownBy: [
      ['promises/limits.test.ts', 'no permit is lost on the way'],
      ['kill/kill.test.ts', 'a SIGKILL at any moment breaks no promise'],
      simulated,
    ],
  },
]
