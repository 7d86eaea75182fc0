import type { Round } from './files.ts'
import type { Figures } from './workload.ts'

export interface Line {
  case: string
  who: keyof Round
  records_per_s: number
  /** this one's speed over the naive pipeline's, median of the rounds' own ratios */
  to_naive: number | null
  /** the same over the script of one thread */
  to_script: number | null
  to_limit: number | null
  cpu_us_per_record: number | null
  server_cpu_us_per_record: number | null
  peak_rss_mb: number | null
  wal_bytes_per_record: number | null
}

const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

const speed = ({ records, ms }: Figures): number => (records / ms) * 1000

const round = (value: number, digits = 0): number | null =>
  Number.isFinite(value) ? Number(value.toFixed(digits)) : null

/** One line a contestant. Ratios are taken within a round, where neighbours on the machine disturb all alike. */
export function summarise(name: string, rounds: Round[]): Line[] {
  const names = ['engine', 'naive', 'script', 'limit'] as const
  return names.flatMap((who) => {
    const all = rounds.flatMap((one) => one[who] ?? [])
    if (all.length === 0) return []
    const of = (pick: (figures: Figures) => number) => median(all.map(pick))
    const ratio = (other: 'naive' | 'script' | 'limit') =>
      median(
        rounds.flatMap(({ [who]: one, [other]: two }) =>
          one && two ? [speed(one) / speed(two)] : [],
        ),
      )
    return [
      {
        case: name,
        who,
        records_per_s: Math.round(of(speed)),
        to_naive: round(ratio('naive'), 2),
        to_script: round(ratio('script'), 2),
        to_limit: round(ratio('limit'), 2),
        cpu_us_per_record: round(
          of(({ cpuUs, records }) => cpuUs / records),
          1,
        ),
        server_cpu_us_per_record: round(
          of(({ serverCpuUs, records }) => (serverCpuUs ?? Number.NaN) / records),
          1,
        ),
        peak_rss_mb: round(of(({ peakRssMb }) => peakRssMb)),
        wal_bytes_per_record: round(
          of(({ walBytes, records }) => (walBytes ?? Number.NaN) / records),
        ),
      },
    ]
  })
}

const columns: [keyof Line, string, number][] = [
  ['case', 'case', 36],
  ['who', '', 8],
  ['records_per_s', 'records/s', 11],
  ['to_naive', 'of naive', 10],
  ['to_script', 'of script', 11],
  ['to_limit', 'of limit', 10],
  ['cpu_us_per_record', 'CPU µs/record', 15],
  ['server_cpu_us_per_record', 'server CPU µs', 15],
  ['peak_rss_mb', 'peak RSS MB', 13],
  ['wal_bytes_per_record', 'WAL bytes/record', 18],
]

/** The lines as a table for people. */
export function table(lines: Line[]): string {
  const cell = (value: unknown, width: number, at: number): string =>
    at < 2 ? String(value).padEnd(width) : String(value ?? '–').padStart(width)
  const head = columns.map(([, title, width], at) => cell(title, width, at)).join('')
  const rows = lines.map((line) =>
    columns.map(([name, , width], at) => cell(line[name], width, at)).join(''),
  )
  return [head, ...rows].join('\n')
}
