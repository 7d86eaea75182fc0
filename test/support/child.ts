import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { within } from './wait.ts'

/** How much of a program's output is kept for error messages. */
const logLimit = 200_000
const stopMs = 30_000

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A program under test: what it printed, how it ended, and ways to end it. */
export interface Child {
  process: ChildProcess
  pid: number
  /** stdout and stderr together, the last part of them */
  log(): string
  exited: Promise<Exit>
  running(): boolean
  /** Sends the signal, waits for the end. Fine when it has ended already. */
  end(signal: NodeJS.Signals): Promise<Exit>
}

const alive = new Set<ChildProcess>()
// A test that fails half way must not leave its programs behind.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Starts a program; rejects nothing: a command that cannot start ends with code 127. */
export function startChild(command: string, args: string[], options: SpawnOptions = {}): Child {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  alive.add(child)
  let log = ''
  const keep = (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-logLimit)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      alive.delete(child)
      resolve({ code, signal })
    })
    child.once('error', (error) => {
      log += error.message
      alive.delete(child)
      resolve({ code: 127, signal: null })
    })
  })
  const running = () => alive.has(child)
  return {
    process: child,
    pid: child.pid ?? -1,
    log: () => log,
    exited,
    running,
    async end(signal) {
      if (running()) child.kill(signal)
      return within(`${command} to end after ${signal}`, exited, stopMs)
    },
  }
}

/** Runs a program to its end; rejects with its output unless it exits with 0. */
export async function runChild(command: string, args: string[], options: SpawnOptions = {}) {
  const child = startChild(command, args, options)
  const closed = child.process.pid === undefined ? child.exited : once(child.process, 'close')
  const { code, signal } = await child.exited
  await closed
  if (code !== 0) throw new Error(`${command} ended with ${signal ?? code}: ${child.log()}`)
  return child.log()
}
