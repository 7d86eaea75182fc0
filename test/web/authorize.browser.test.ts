/** A source whose access somebody agrees to in a browser: from the console to the API's page and back, until it is revoked. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Run } from '../../schema/run.ts'
import { startApi } from '../actors/connectors/test-api.ts'
import { openBrowser } from '../support/browser.ts'
import { startDerrick } from '../support/derrick.ts'
import { missingServices } from '../support/services.ts'
import { createConnection, createFiles, runToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(240_000)
const skip = missingServices('chromium')

/** An API with a page of its own, where somebody allows or declines; it may take the access away again. */
async function startVendor() {
  const state = { grants: 0, isRevoked: false }
  const api = await startApi(({ path, query, body, headers }, response) => {
    if (path === '/agree') {
      const back = (answer: Record<string, string>): string =>
        `${query.get('redirect_uri')}?${new URLSearchParams({ ...answer, state: query.get('state') ?? '' })}`
      const asksRight = query.get('client_id') === 'me' && query.get('response_type') === 'code'
      response.setHeader('content-type', 'text/html')
      return void response.end(
        asksRight
          ? `<link rel="icon" href="data:,"><a href="${back({ code: 'good' }).replaceAll('&', '&amp;')}">Allow</a>
             <a href="${back({ error: 'access_denied', error_description: 'call 555' }).replaceAll('&', '&amp;')}">Decline</a>`
          : 'bad client',
      )
    }
    const form = new URLSearchParams(body)
    if (path === '/token' && form.get('code') === 'good') {
      state.grants += 1
      state.isRevoked = false
      return { access_token: `access-${state.grants}`, refresh_token: `refresh-${state.grants}` }
    }
    if (path === '/token' && !state.isRevoked)
      return { access_token: `access-${state.grants}`, expires_in: 1 }
    const isKnown = !state.isRevoked && headers.authorization === `Bearer access-${state.grants}`
    if (path === '/items' && isKnown) return [{ id: 1 }]
    response.statusCode = path === '/items' ? 401 : 400
    return { error: 'invalid_grant' }
  })
  return { api, state }
}

const manifestOf = (url: string): string => `derrick: 1
id: agreed
name: Agreed
version: 1.0.0
config:
  client_id: {title: Client id, required: true}
  client_secret: {title: Client secret, secret: true, required: true}
  refresh_token: {title: Refresh token, help: Filled by Authorize., secret: true}
api: {base_url: "${url}"}
auth:
  type: oauth2
  grant: authorization_code
  authorize_url: "${url}/agree"
  token_url: "${url}/token"
  client_id: "{{ config.client_id }}"
  client_secret: "{{ config.client_secret }}"
  refresh_token: "{{ config.refresh_token }}"
streams: {items: {path: /items, key: [id]}}
`

t.test('access is agreed to, declined, used, revoked and given again', { skip }, async (t) => {
  const { api, state } = await startVendor()
  const home = tempDir('authorize')
  const own = join(home.path, 'manifests')
  mkdirSync(own)
  writeFileSync(join(own, 'agreed.yaml'), manifestOf(api.url))
  const derrick = await startDerrick({
    dataDir: join(home.path, 'data'),
    env: { DERRICK_MANIFESTS_DIR: own, DERRICK_AUTH_DISABLED: 'true' },
  })
  const window = await openBrowser()
  t.teardown(async () => {
    await window.close()
    await derrick.stop()
    home.remove()
  })
  const { page } = window
  /** a glyph stands before it */
  const status = (label: string) =>
    page.locator('.status').filter({ hasText: new RegExp(`^.${label}$`) })

  await page.goto(`${derrick.url}/sources?new=agreed`)
  await page.getByText('Access is agreed to in a browser').waitFor()
  await page.getByLabel('Client id').fill('me')
  await page.getByLabel('Client secret').fill('client-secret-1')
  await page.getByRole('button', { name: 'Check and save' }).click()
  await status('not signed in').waitFor()

  await page.getByRole('button', { name: 'Authorize' }).click()
  await page.getByRole('link', { name: 'Decline' }).click()
  await page.getByText('The API gave no access').waitFor()
  t.match(page.url(), /\/sources$/, 'what was told is gone from the address')
  t.notMatch(await page.content(), /555/)

  await page.getByRole('button', { name: 'Authorize' }).click()
  await page.getByRole('link', { name: 'Allow' }).click()
  await page.getByText('agreed is signed in.').waitFor()
  await status('signed in').waitFor()
  t.equal(state.grants, 1)
  const [source] = (await derrick.api<{ data: { id: string }[] }>('GET', '/sources')).data
  const destination = await createFiles(derrick, join(home.path, 'files'))
  const streams = await createConnection(
    derrick,
    { name: 'c', source_id: source?.id ?? '', destination_id: destination, namespace: 'c' },
    [{ name: 'items' }],
  )
  const sync = async () => {
    const run = await derrick.api<Run>('POST', `/streams/${streams.get('items')}/sync`, {})
    return (await runToEnd(derrick, run.id)).status
  }
  t.equal(await sync(), 'complete')

  state.isRevoked = true
  t.equal(await sync(), 'failed')
  await status('access revoked').waitFor()
  await page.getByRole('button', { name: 'Authorize again' }).click()
  await page.getByRole('link', { name: 'Allow' }).click()
  await status('signed in').waitFor()
  t.equal(state.grants, 2)
  t.equal(await sync(), 'complete')
  t.notMatch(derrick.log(), /refresh-\d|access-\d|client-secret/)
  t.strictSame(window.complaints, [])
})
