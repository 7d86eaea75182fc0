/** How close the governor comes to what an API allows, and how often the API refuses all the same; in real time, two workers. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { countingManifest, startCountingApi } from '../../test/support/counting-api.ts'
import { startDerrick } from '../../test/support/derrick.ts'
import { createConnection, createFiles, runToEnd } from '../../test/support/setup.ts'
import { tempDir } from '../../test/support/temp-dir.ts'

export interface PaceFigures {
  calls: number
  /** of the rate that is allowed, once it has begun */
  share: number
  refusedPerThousand: number
}

const dayMs = 86_400_000
const allowed = 40

/** An API that refuses whatever is more than `allowed` in any second. */
export async function measurePace(days: number): Promise<PaceFigures> {
  using home = tempDir('pace')
  const passed: number[] = []
  const api = await startCountingApi(({ at }, response) => {
    const recent = passed.filter((other) => other > at - 1_000).length
    if (recent < allowed) {
      passed.push(at)
      return null
    }
    response.writeHead(429).end()
    return 429
  })
  const manifests = join(home.path, 'manifests')
  mkdirSync(manifests)
  writeFileSync(
    join(manifests, 'counting.yaml'),
    countingManifest(`[{requests: ${allowed}, per: 1s}]`),
  )
  const env = { DERRICK_WORKERS: '2', DERRICK_MANIFESTS_DIR: manifests }
  const derrick = await startDerrick({ dataDir: join(home.path, 'data'), env, run: 'source' })
  try {
    const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
      name: 'shop',
      connector: 'counting',
      config: { base_url: api.url },
      start_date: new Date(Date.now() - days * dayMs).toISOString(),
    })
    const destination_id = await createFiles(derrick, join(home.path, 'files'))
    const connection = { name: 'shop', source_id, destination_id, namespace: 'shop' }
    const streams = ['days', 'more'].map((name) => ({ name, parallel_ranges: 8 }))
    const ids = await createConnection(derrick, connection, streams)
    const runs = await Promise.all(
      [...ids.values()].map((id) => derrick.api<{ id: string }>('POST', `/streams/${id}/sync`, {})),
    )
    for (const { id } of runs) await runToEnd(derrick, id, 600_000)
    const { seen } = api
    // The first window is free at once: what counts is the pace after it.
    const begun = passed[allowed] ?? 0
    const tookMs = (passed.at(-1) ?? 0) - begun
    return {
      calls: seen.length,
      share: (passed.length - allowed) / ((tookMs / 1_000) * allowed),
      refusedPerThousand: ((seen.length - passed.length) * 1_000) / seen.length,
    }
  } finally {
    await derrick.kill9()
    await api.close()
  }
}
