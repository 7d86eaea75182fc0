import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port of loopback that is free now, for programs that cannot report which one the kernel gave them.
 * Another process may take it in between, so callers start again on "address in use".
 */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}
