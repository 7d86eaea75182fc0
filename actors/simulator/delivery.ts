/** Puts an answer on the wire, as it should be or as a fault wants it. */
import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { FaultOf } from './fault.ts'
import type { EncodedPage } from './page-cache.ts'

export interface Answer {
  status: number
  headers: Record<string, string>
  bytes: Buffer
}

/** "For ever" ends here, so that a forgotten stall does not hold a socket for good. */
const longestStallMs = 3_600_000
const sliceMs = 50
const challengePage = '<!doctype html><title>Just a moment…</title><p>Checking your browser'

export function send(response: ServerResponse, { status, headers, bytes }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': String(bytes.length) })
  response.end(bytes)
}

/** The socket dies after so many bytes of the body (half of it unless told); with 0, before the headers. */
export async function cut(
  response: ServerResponse,
  answer: Answer,
  fault: FaultOf<'cut'>,
): Promise<void> {
  const after = fault.after_bytes ?? Math.floor(answer.bytes.length / 2)
  if (after > 0) {
    writeHead(response, answer)
    await flushed(response, answer.bytes.subarray(0, Math.min(after, answer.bytes.length - 1)))
  }
  response.destroy()
}

/** Silence before the headers or in the middle of the body; the rest follows if the fault ends. */
export async function stall(
  response: ServerResponse,
  answer: Answer,
  fault: FaultOf<'stall'>,
  signal: AbortSignal,
): Promise<void> {
  const ms = fault.ms ?? longestStallMs
  if (fault.where === 'headers') {
    await wait(ms, undefined, { signal })
    return send(response, answer)
  }
  const half = Math.floor(answer.bytes.length / 2)
  writeHead(response, answer)
  await flushed(response, answer.bytes.subarray(0, half))
  await wait(ms, undefined, { signal })
  response.end(answer.bytes.subarray(half))
}

/** A delay, then so many bytes a second. */
export async function slowly(
  response: ServerResponse,
  answer: Answer,
  fault: FaultOf<'slow'>,
  signal: AbortSignal,
): Promise<void> {
  await wait(fault.delay_ms ?? 0, undefined, { signal })
  if (fault.bytes_per_second === undefined) return send(response, answer)
  const slice = Math.max(1, Math.floor((fault.bytes_per_second * sliceMs) / 1000))
  writeHead(response, answer)
  for (let at = 0; at < answer.bytes.length; at += slice) {
    response.write(answer.bytes.subarray(at, at + slice))
    await wait((slice / fault.bytes_per_second) * 1000, undefined, { signal })
  }
  response.end()
}

/** An answer that is complete HTTP but not what it claims to be. */
export function malformed(answer: Answer, how: FaultOf<'malformed'>['how']): Answer {
  const { bytes } = answer
  const headers = { ...answer.headers }
  delete headers['content-encoding']
  switch (how) {
    case 'truncated':
      return { ...answer, headers, bytes: bytes.subarray(0, bytes.length >> 1) }
    case 'html':
      headers['content-type'] = 'text/html'
      return { status: 200, headers, bytes: Buffer.from(challengePage) }
    case 'empty':
      return { ...answer, headers, bytes: Buffer.alloc(0) }
    case 'not_an_object':
      return { ...answer, headers, bytes: Buffer.from('"maintenance"') }
    case 'invalid_utf8': {
      // the last string's closing quote gives way to half of a two-byte character
      const broken = Buffer.from(bytes)
      broken[broken.lastIndexOf(0x22)] = 0xc3
      return { ...answer, headers, bytes: broken }
    }
    case 'wrong_length':
      return { ...answer, headers: { ...headers, 'content-length': String(bytes.length - 10) } }
  }
}

/** Sends an answer whose content-length may be a lie. */
export function sendAsIs(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    'content-length': String(answer.bytes.length),
    ...answer.headers,
  })
  // what is left over would be read as the head of the next answer
  response.end(answer.bytes, () => response.socket?.end())
}

/** Small on the wire, huge when unpacked: a JSON body of blanks. */
export function bomb(fault: FaultOf<'gzip_bomb'>): Answer {
  const megabyte = Buffer.alloc(1024 * 1024, ' ')
  // a gzip file may have many members: one packed megabyte, repeated, unpacks to all of them
  const member = gzipSync(megabyte, { level: 9 })
  const body = Buffer.concat([
    gzipSync('{"blank":'),
    ...Array.from({ length: fault.megabytes ?? 256 }, () => member),
    gzipSync('1}'),
  ])
  const layers = fault.layers ?? 1
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'content-encoding': layers === 2 ? 'gzip, gzip' : 'gzip',
    },
    bytes: layers === 2 ? gzipSync(body, { level: 9 }) : body,
  }
}

export function answerOf({ headers, bytes }: EncodedPage): Answer {
  return { status: 200, headers, bytes }
}

function writeHead(response: ServerResponse, { status, headers, bytes }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': String(bytes.length) })
}

function flushed(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => response.write(bytes, () => resolve()))
}
