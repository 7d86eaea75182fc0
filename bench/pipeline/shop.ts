import { type ShopProcess, startShop } from '../../test/support/simulator.ts'
import { eachRange, firstUrl, type Workload } from './workload.ts'

const dayMs = 86_400_000
const cacheBytes = 2 ** 30

export interface ShopOptions {
  days: number
  perDay: number
  /** answers compressed, as APIs of the Internet have them; on loopback it only costs */
  compress: boolean
}

/** A shop whose events end with yesterday, and the days that hold them. */
export async function openShop({ days, perDay, compress }: ShopOptions): Promise<{
  shop: ShopProcess
  ranges: Workload['ranges']
}> {
  const end = Math.floor(Date.now() / dayMs) * dayMs
  const start = end - days * dayMs
  const events = { perDay, lateShare: 0 }
  const options = { startMs: start, nowMs: end, maxPageSize: 1000, cacheBytes, compress }
  const shop = await startShop({ ...options, streams: { events } })
  const ranges = Array.from({ length: days }, (_, day) => ({
    start: start + day * dayMs,
    end: start + (day + 1) * dayMs,
  }))
  return { shop, ranges }
}

/** Asks for every page that the contestants will ask for, so that none of them pays for its making. Returns the bytes of one reading. */
export async function warmUp(workload: Workload): Promise<number> {
  let bytes = 0
  const read = async (first: string): Promise<void> => {
    let url: string | null = first
    while (url) {
      const answer: Response = await fetch(url, {
        headers: { authorization: `Bearer ${workload.shop.apiKey}` },
      })
      const text = await answer.text()
      bytes += text.length
      url = (JSON.parse(text) as { links: { next: string | null } }).links.next
    }
  }
  await eachRange(workload, ({ start, end }) => read(firstUrl(workload, start, end - 1000)))
  bytes = 0
  await eachRange(workload, ({ start, end }) => read(firstUrl(workload, start, end)))
  return bytes
}
