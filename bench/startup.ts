/**
 * How long the executable takes to its first answer, and what it weighs before its first job.
 *
 *   node bench/startup.ts [--program dist/derrick] [--rounds 9]
 *
 * A round starts `serve` twice: on an empty data folder, then again on the one it left. Prints a
 * table and, as the last line, the same as JSON. Linux only (memory comes from /proc).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const answerWithinMs = 30_000
const askEveryMs = 2
/** Long enough for start-up work after the first answer and for the first idle collection. */
const settleMs = 2_000

type Sample = { firstAnswerMs: number; cpuMs: number; rssMb: number; anonMb: number }

const { values } = parseArgs({
  options: {
    program: { type: 'string', default: 'dist/derrick' },
    rounds: { type: 'string', default: '9' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'derrick-startup-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
/**
 * A copy, as an installed file is one: the builder writes the whole file at once, which leaves it
 * in larger pages of the page cache, and more of them count as resident (167 against 118 MB).
 */
const program = join(folder, 'derrick')
copyFileSync(resolve(values.program), program)
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a whole number from 1')

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

function isHealthy(port: number): Promise<boolean> {
  return new Promise((done) => {
    const call = request({ host: '127.0.0.1', port, path: '/healthz', agent: false }, (answer) => {
      answer.resume().on('end', () => done(answer.statusCode === 200))
    })
    call.on('error', () => done(false)).end()
  })
}

/** A figure of /proc/<pid>/status in MB. */
function memoryOf(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024
}

/** User and system time of a process so far: fields 14 and 15 of its stat, in ticks of 10 ms. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function startOnce(dataDir: string): Promise<Sample> {
  const port = await freePort()
  const startedAt = performance.now()
  const child = spawn(program, ['serve', '--port', String(port), '--data-dir', dataDir], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = once(child, 'exit')
  try {
    while (!(await isHealthy(port))) {
      if (child.exitCode !== null) throw new Error(`the server ended: ${said}`)
      if (performance.now() - startedAt > answerWithinMs) throw new Error('no answer in time')
      await delay(askEveryMs)
    }
    const firstAnswerMs = performance.now() - startedAt
    const pid = child.pid as number
    const cpuMs = cpuOf(pid)
    await delay(settleMs)
    return { firstAnswerMs, cpuMs, rssMb: memoryOf(pid, 'VmRSS'), anonMb: memoryOf(pid, 'RssAnon') }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

function summary(samples: Sample[], pick: (sample: Sample) => number) {
  const sorted = samples.map(pick).sort((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)
  return { median: at(0.5), min: at(0), max: at(1) }
}

function report(samples: Sample[]) {
  return {
    first_answer_ms: summary(samples, (sample) => sample.firstAnswerMs),
    cpu_ms: summary(samples, (sample) => sample.cpuMs),
    rss_mb: summary(samples, (sample) => sample.rssMb),
    anonymous_mb: summary(samples, (sample) => sample.anonMb),
  }
}

const fresh: Sample[] = []
const again: Sample[] = []
for (let round = 0; round <= rounds; round++) {
  const dataDir = join(folder, `data-${round}`)
  mkdirSync(dataDir)
  const pair = [await startOnce(dataDir), await startOnce(dataDir)] as const
  rmSync(dataDir, { recursive: true, force: true })
  if (round === 0) continue // the first round only brings the file into the page cache
  fresh.push(pair[0])
  again.push(pair[1])
}

const result = {
  file_mb: Math.round(statSync(program).size / 1e5) / 10,
  rounds,
  empty_data_dir: report(fresh),
  existing_data_dir: report(again),
}
const line = (name: string, cells: unknown[]) =>
  process.stdout.write(
    `${name.padEnd(34)}${cells.map((cell) => String(cell).padStart(9)).join('')}\n`,
  )
line(`${result.file_mb} MB, ${rounds} rounds`, ['median', 'min', 'max'])
for (const start of ['empty_data_dir', 'existing_data_dir'] as const) {
  for (const [name, { median, min, max }] of Object.entries(result[start])) {
    line(`${start} ${name}`, [median, min, max])
  }
}
process.stdout.write(`${JSON.stringify(result)}\n`)
