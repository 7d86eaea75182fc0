import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { brotliDecompressSync } from 'node:zlib'
import t from 'tap'

const root = join(import.meta.dirname, '..', '..')
const nobody = 65_534
const answerWithinMs = 30_000

/** An unprivileged user when the test runs as root; else whoever runs it. */
const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}

const home = mkdtempSync(join(tmpdir(), 'derrick-binary-test-'))
const program = join(home, 'bin', 'derrick')
t.teardown(() => rmSync(home, { recursive: true, force: true }))

/** The executable alone in a folder that its user cannot write. */
function install(): void {
  const built = process.env.DERRICK_BINARY ?? join(root, 'dist', 'derrick')
  if (process.env.DERRICK_BINARY === undefined) {
    const build = join(root, 'runtime', 'binary', 'build.ts')
    execFileSync(process.execPath, [build, '--if-missing'], { stdio: 'inherit' })
  }
  chmodSync(home, 0o755)
  mkdirSync(join(home, 'bin'))
  copyFileSync(built, program)
  chmodSync(program, 0o755)
}

/** A folder of the unprivileged user. */
function ownFolder(name: string): string {
  const folder = join(home, name)
  mkdirSync(folder, { mode: 0o700 })
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  return folder
}

const started: ChildProcess[] = []

/** Starts the executable; by default with nothing in its environment. */
function start(args: string[], cwd: string, env: Record<string, string> = {}) {
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  started.push(child)
  const errors = text(child.stderr)
  return { child, errors }
}

type Answer = { status: number; headers: Record<string, unknown>; body: Buffer }

function get(port: number, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode = 0, headers } = response
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks) })
      })
    })
    call.on('error', reject).end()
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

/** Asks until the answer satisfies; the process that ends meanwhile fails the test with its words. */
async function until(server: ReturnType<typeof start>, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + answerWithinMs
  while (!(await ask().catch(() => false))) {
    if (server.child.exitCode !== null) throw new Error(`ended early: ${await server.errors}`)
    if (performance.now() > deadline) throw new Error('no answer in time')
    await delay(50)
  }
}

async function stop(server: ReturnType<typeof start>): Promise<number | null> {
  const ended = once(server.child, 'exit')
  server.child.kill('SIGTERM')
  const [code] = await ended
  return code
}

t.before(install)
t.teardown(() => {
  for (const child of started) child.kill('SIGKILL')
})

t.test('it runs alone: no environment, no home, no rights', async (t) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const options = { env: {}, cwd: join(home, 'bin'), timeout: answerWithinMs, ...user }
  const { stdout, stderr } = await promisify(execFile)(program, ['version'], options)
  t.match(stdout, version)
  t.equal(stderr, '')
  const refused = promisify(execFile)(program, ['no-such-command'], options)
  await t.rejects(refused, { code: 2 }, 'wrong usage has its own exit code')
})

t.test('it serves the API and the console from memory and stops when told', async (t) => {
  const data = ownFolder('data')
  const port = await freePort()
  const server = start(['serve', '--port', String(port), '--data-dir', data], data)
  await until(server, async () => (await get(port, '/healthz')).status === 200)

  const page = await get(port, '/')
  t.equal(page.status, 200)
  t.match(page.headers['content-type'], /^text\/html/)
  t.match(page.body.toString(), /<!doctype html>/i)
  const etag = String(page.headers.etag)
  t.match(etag, /^(W\/)?".+"$/)
  const again = await get(port, '/', { 'if-none-match': etag })
  t.equal(again.status, 304)
  t.equal(again.body.length, 0)
  const packed = await get(port, '/', { 'accept-encoding': 'gzip, br' })
  t.equal(packed.headers['content-encoding'], 'br')
  t.match(packed.headers.vary, /accept-encoding/i)
  t.same(brotliDecompressSync(packed.body), page.body)

  const script = /src="(\/assets\/[^"]+\.js)"/.exec(page.body.toString())?.[1] ?? ''
  const asset = await get(port, script)
  t.match(asset.headers['content-type'], /^text\/javascript/)
  t.match(asset.headers['cache-control'], /immutable/)
  t.equal((await get(port, '/streams/some/deep/link')).status, 200, 'the console routes itself')
  t.equal((await get(port, '/api/v1/nothing')).status, 404)

  t.equal(await stop(server), 0)
  t.same(readdirSync(join(home, 'bin')), ['derrick'], 'nothing is unpacked beside it')
})

t.test('it runs where code cannot be loaded from memory by a foreign call', async (t) => {
  const data = ownFolder('data-without-ffi')
  const port = await freePort()
  const args = ['serve', '--port', String(port), '--data-dir', data]
  const server = start(args, data, { NODE_OPTIONS: '--no-experimental-ffi' })
  await until(server, async () => (await get(port, '/healthz')).status === 200)
  t.equal(await stop(server), 0)
})

type Runs = { data: { records: number; ranges: { complete: number } }[] }

t.test('the demo syncs with the actors that are inside the executable', async (t) => {
  const data = ownFolder('demo')
  const port = await freePort()
  const server = start(['demo', '--port', String(port), '--data-dir', data], data)
  const printed = text(server.child.stdout)
  await until(server, async () => {
    const { data } = JSON.parse((await get(port, '/api/v1/runs')).body.toString()) as Runs
    return data.some((run) => run.ranges.complete > 0 && run.records > 0)
  })
  t.equal(await stop(server), 0)
  const lines = (await printed).trimEnd().split('\n')
  t.equal(lines.length, 1, 'one line for people, nothing else on stdout')
  t.match(lines[0], `http://127.0.0.1:${port}`)
})
