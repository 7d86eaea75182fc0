import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { derrickError } from '../../schema/error.ts'
import { startActor } from '../binary/actor-file.ts'
import { defaultDemoDir, type Environment, type Flags, readConfig } from '../config.ts'
import { apiKey, setUpDemo } from '../demo-setup.ts'
import { makeLog } from '../log.ts'
import { openSupervisor } from '../supervisor.ts'
import { exitCodes } from './exit-code.ts'
import { logLastWords, untilSignal } from './signals.ts'

export interface DemoFlags extends Flags {
  folder?: string
  postgres?: string
  apiPort?: string
  onlyApi?: boolean
}

/**
 * The whole system with a built-in SaaS API on loopback and a sync under way: needs no account, network or
 * configuration. It has a data dir of its own and asks for no sign-in, so it listens on loopback only.
 */
export async function demo(env: Environment, flags: DemoFlags): Promise<number> {
  const port = apiPort(flags.apiPort)
  if (flags.onlyApi) return serveShop(port)
  const config = readConfig(
    { DERRICK_LOG_LEVEL: 'warn', ...env, DERRICK_AUTH_DISABLED: 'true' },
    {
      ...flags,
      dataDir: flags.dataDir ?? env.DERRICK_DATA_DIR ?? demoDataDir(env),
    },
  )
  const log = makeLog(config)
  logLastWords(log)
  const stopped = untilSignal()
  const file = join(config.dataDir, 'demo.json')
  const memory = readMemory(file)
  const folder = resolve(flags.folder ?? join(config.dataDir, 'files'))
  // The shop first: what goes on from an earlier start asks it at once.
  const { shop, url: shopUrl } = await startShopAgain(memory, port)
  try {
    const supervisor = await openSupervisor({ config, log, demo: true })
    try {
      writeFileSync(file, JSON.stringify({ ...memory, port: Number(new URL(shopUrl).port) }))
      const { postgres } = flags
      await setUpDemo(supervisor.request, { shopUrl, folder, ...(postgres ? { postgres } : {}) })
      process.stdout.write(
        `Derrick's demo is at ${supervisor.url}; it syncs a made-up shop into ${folder}\n`,
      )
      process.stderr.write(`The shop's API is at ${shopUrl}, its key is ${apiKey}\n`)
      const signal = await stopped
      log.info({ signal }, 'stopping')
    } finally {
      await supervisor.close()
    }
  } finally {
    await shop.terminate()
  }
  return exitCodes.done
}

/** The usual place when it can be written, else one in the temp folder: the demo runs for any user. */
function demoDataDir(env: Environment): string {
  const usual = defaultDemoDir(env)
  try {
    mkdirSync(usual, { recursive: true, mode: 0o700 })
    return usual
  } catch {
    return join(tmpdir(), `derrick-demo-${process.getuid?.() ?? 0}`)
  }
}

/** The made-up shop alone, for trying manifests against it. */
async function serveShop(port: number | undefined): Promise<number> {
  const { shop, url } = await startShop(Date.now(), port)
  process.stdout.write(`A made-up shop's API is at ${url}, its key is ${apiKey}; Ctrl-C ends it\n`)
  await untilSignal()
  await shop.terminate()
  return exitCodes.done
}

function apiPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw derrickError('unknown', 'config.invalid', '--api-port is a port number', {
    remedy: 'such as --api-port 7171',
  })
}

async function startShop(
  demoSince: number,
  port: number | undefined,
): Promise<{ shop: Worker; url: string }> {
  const workerData = { demoSince, ...(port === undefined ? {} : { port }) }
  const shop = startActor('simulator', { workerData })
  try {
    const [message] = (await once(shop, 'message')) as [{ kind: 'listening'; url: string }]
    return { shop, url: message.url }
  } catch (cause) {
    if (!/EADDRINUSE/.test(String(cause))) throw cause
    throw derrickError('unknown', 'port.taken', `port ${port} is taken`, {
      remedy: 'choose another with --api-port, or leave it out',
      cause,
    })
  }
}

/** What the demo of a data dir remembers of its shop. */
interface DemoMemory {
  /** when it first began, in epoch ms; the shop's history hangs on it */
  since: number
  /** where its API was: a run that goes on asks there before anybody can tell it of another place */
  port?: number
}

function readMemory(file: string): DemoMemory {
  try {
    const { since, port } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    if (typeof since === 'number' && Number.isSafeInteger(since))
      return { since, ...(typeof port === 'number' ? { port } : {}) }
  } catch {
    // the first start, or a file that someone edited: begin anew
  }
  return { since: Date.now() }
}

/** The shop where it was at the last start, else where there is room. */
async function startShopAgain({ since, port }: DemoMemory, asked: number | undefined) {
  if (asked !== undefined || port === undefined) return startShop(since, asked)
  return startShop(since, port).catch(() => startShop(since, undefined))
}
