/**
 * What no pipeline can beat here: downloads the same pages over kept-alive connections and writes as many bytes as the
 * engine does, without looking at them.
 *
 *   node bench/pipeline/limit.ts '{"workload":…,"folder":…,"growth":1.3}'
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { eachRange, firstUrl, report, type Workload } from './workload.ts'

/** The last part of a body: the link to the next page is in it, whatever the records are. */
const tailBytes = 1024

const { workload, folder, growth } = JSON.parse(process.argv[2] ?? '') as {
  workload: Workload
  folder: string
  /** bytes that the engine writes for each byte of a body */
  growth: number
}
const agent = new Agent({ pipelining: 1 })
const headers = { authorization: `Bearer ${workload.shop.apiKey}` }

function nextUrl(body: Buffer): string | null {
  const tail = body.toString('latin1', Math.max(0, body.length - tailBytes))
  const link = /"links":\{"next":(null|"[^"]*")\}/.exec(tail)?.[1]
  if (link === undefined) throw new Error('the page says nothing of the next one')
  return JSON.parse(link) as string | null
}

await report(async () => {
  let bytes = 0
  let filler = Buffer.alloc(0)
  await eachRange(workload, async ({ start, end }) => {
    const file = await open(join(folder, `${start}.jsonl`), 'w')
    let url: string | null = firstUrl(workload, start, end)
    while (url) {
      const answer: Awaited<ReturnType<typeof request>> = await request(url, {
        dispatcher: agent,
        headers,
      })
      const body = Buffer.from(await answer.body.arrayBuffer())
      const more = Math.round(body.length * (growth - 1))
      if (filler.length < more) filler = Buffer.alloc(more, ' ')
      await file.writev([body, filler.subarray(0, Math.max(0, more))])
      bytes += body.length + Math.max(0, more)
      url = nextUrl(body)
    }
    await file.close()
  })
  return { records: 0, bytes }
})
await agent.close()
