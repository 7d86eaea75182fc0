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

export interface TcpProxy {
  port: number
  set(mode: ProxyMode): void
  /** Resets all connections. */
  killAll(): void
  stats(): { connections: number; open: number; bytesUp: number; bytesDown: number }
  close(): Promise<void>
}

/** A faulty network on loopback, in front of `targetPort`. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let mode: ProxyMode = { kind: 'pass' }
  let upUntilReset = Number.POSITIVE_INFINITY
  const sockets = new Set<Socket>()
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
    const end = () => {
      for (const socket of [client, upstream]) {
        socket.destroy()
        sockets.delete(socket)
      }
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end).on('close', end)
    }
    client.on('data', (chunk: Buffer) => {
      stats.bytesUp += chunk.length
      const passing = chunk.subarray(0, Math.max(0, upUntilReset))
      upUntilReset -= chunk.length
      if (passing.length === chunk.length) return forward(upstream, chunk)
      upstream.end(passing)
      client.resetAndDestroy()
    })
    upstream.on('data', (chunk: Buffer) => {
      stats.bytesDown += chunk.length
      if (mode.kind !== 'eat-replies') forward(client, chunk)
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
    killAll,
    stats: () => ({ ...stats, open: sockets.size / 2 }),
    async close() {
      killAll()
      server.close()
      await once(server, 'close')
    },
  }
}
