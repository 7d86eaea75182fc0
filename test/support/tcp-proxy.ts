import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** What the proxy does to bytes; it applies to open connections at once. */
export type ProxyMode =
  | { kind: 'pass' }
  /** each chunk waits so long, both ways */
  | { kind: 'latency'; ms: number }
  /** nothing passes, nothing is said: a cable that was pulled */
  | { kind: 'blackhole' }
  /** requests arrive, answers are lost: what happens to a COMMIT whose reply never comes */
  | { kind: 'eat-replies' }
  /** the connection is cut with a reset once the client sent so many bytes more */
  | { kind: 'reset-after'; bytes: number }
  /** new connections are reset at once */
  | { kind: 'refuse' }

/** What happens to one connection at one chunk of the client's. */
export type Verdict =
  | 'pass'
  /** reset, and the chunk is lost */
  | 'cut'
  /** the chunk arrives, then the client's side is reset: nobody hears the answer */
  | 'deliver-then-cut'
  /** half of the chunk arrives, then both sides are reset */
  | 'tear'
  /** neither this chunk nor anything later passes, either way; the connection stays open */
  | 'hole'
  /** the chunk arrives; answers to it and everything later are lost, the connection stays open */
  | 'mute'
  /** the client's side is ended politely, as a server does that shuts down */
  | 'end'

export interface TcpProxy {
  port: number
  set(mode: ProxyMode): void
  /** Judges each chunk of clients, in mode `pass`; null for no judge. */
  intercept(judge: ((chunk: Buffer) => Verdict) | null): void
  /** Calls back at each chunk of a client, before it is passed on, until the returned function is called. */
  onClientData(listener: () => void): () => void
  /** Resets all connections. */
  killAll(): void
  stats(): { connections: number; open: number; bytesUp: number; bytesDown: number }
  close(): Promise<void>
}

/** A faulty network on loopback, in front of `targetPort`. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let mode: ProxyMode = { kind: 'pass' }
  let judge: ((chunk: Buffer) => Verdict) | null = null
  let upUntilReset = Number.POSITIVE_INFINITY
  const sockets = new Set<Socket>()
  const listeners = new Set<() => void>()
  const stats = { connections: 0, bytesUp: 0, bytesDown: 0 }

  const forward = (to: Socket, chunk: Buffer) => {
    if (mode.kind === 'blackhole') return
    const { ms } = mode.kind === 'latency' ? mode : { ms: 0 }
    // Timers of equal length fire in order, so a stream stays a stream.
    if (ms > 0) setTimeout(() => to.writable && to.write(chunk), ms)
    else if (to.writable) to.write(chunk)
  }
  const server = createServer((client) => {
    stats.connections++
    if (mode.kind === 'refuse') return void client.resetAndDestroy()
    const upstream = connect(targetPort, '127.0.0.1')
    /** what became of this connection: `hole` and `mute` last */
    let state: Verdict = 'pass'
    const end = (socket: Socket) => {
      socket.destroy()
      sockets.delete(socket)
    }
    const endBoth = () => {
      end(client)
      // The server is to read what was delivered, and ends by itself.
      if (state !== 'deliver-then-cut' && state !== 'tear') end(upstream)
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', endBoth).on('close', endBoth)
    }
    upstream.on('close', () => end(upstream))
    client.on('data', (chunk: Buffer) => {
      stats.bytesUp += chunk.length
      for (const listener of listeners) listener()
      if (state === 'hole') return
      if (state === 'mute') return forward(upstream, chunk)
      const verdict = judge && mode.kind === 'pass' ? judge(chunk) : 'pass'
      if (verdict !== 'pass') {
        state = verdict
        return misbehave(verdict, client, upstream, chunk)
      }
      const passing = chunk.subarray(0, Math.max(0, upUntilReset))
      upUntilReset -= chunk.length
      if (passing.length === chunk.length) return forward(upstream, chunk)
      upstream.end(passing)
      client.resetAndDestroy()
    })
    upstream.on('data', (chunk: Buffer) => {
      stats.bytesDown += chunk.length
      if (mode.kind !== 'eat-replies' && state === 'pass') forward(client, chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  const killAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: address.port,
    set(next) {
      mode = next
      upUntilReset = next.kind === 'reset-after' ? next.bytes : Number.POSITIVE_INFINITY
    },
    intercept(next) {
      judge = next
    },
    onClientData(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    killAll,
    stats: () => ({ ...stats, open: Math.ceil(sockets.size / 2) }),
    async close() {
      killAll()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Carries out a verdict; what lasts is the caller's. */
function misbehave(verdict: Verdict, client: Socket, upstream: Socket, chunk: Buffer): void {
  if (verdict === 'mute') upstream.write(chunk)
  if (verdict === 'end') {
    client.end()
    upstream.end()
  }
  if (verdict === 'cut') {
    client.resetAndDestroy()
    upstream.resetAndDestroy()
  }
  if (verdict === 'tear') {
    upstream.end(chunk.subarray(0, chunk.length >> 1))
    client.resetAndDestroy()
  }
  if (verdict === 'deliver-then-cut') {
    // A polite end upstream: a reset would make the server's kernel forget what it has not yet read.
    upstream.end(chunk)
    client.resetAndDestroy()
  }
}
