/** The console as a person uses it: the real program, a real API, a real browser. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { openBrowser } from '../support/browser.ts'
import { startDerrick } from '../support/derrick.ts'
import { missingServices } from '../support/services.ts'
import { startShop } from '../support/simulator.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(360_000)
const dayMs = 86_400_000
const historyDays = 40
const skip = missingServices('chromium')

/** A server without anything in it, an API to read, and a browser that is not signed in. */
async function scene(t: { teardown: (end: () => Promise<void>) => void }) {
  const data = tempDir('console-data')
  const out = tempDir('console-out')
  const today = Date.now() - (Date.now() % dayMs)
  const shop = await startShop({
    seed: 3,
    startMs: today - historyDays * dayMs,
    streams: { orders: { perDay: 40 }, events: { perDay: 48 } },
    latency: { ms: 20 },
  })
  const derrick = await startDerrick({ dataDir: data.path })
  const window = await openBrowser({ width: 1440, height: 900 })
  t.teardown(async () => {
    await window.close()
    await derrick.stop()
    await shop.stop()
    data.remove()
    out.remove()
  })
  const start = new Date(today - historyDays * dayMs).toISOString().slice(0, 10)
  return { shop, derrick, window, page: window.page, folder: join(out.path, 'lake'), start }
}

async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(`${url}/login`)
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
}

/** Source, destination and connection through the API: for tests that are about something else. */
async function connect(of: Awaited<ReturnType<typeof scene>>, stream: object): Promise<void> {
  const { derrick, shop, folder, start } = of
  const make = (path: string, body: object) => derrick.api<{ id: string }>('POST', path, body)
  const source = await make('/sources', {
    name: 'shop',
    connector: 'demo_shop',
    start_date: start,
    config: { base_url: shop.url, api_key: shop.apiKey },
  })
  const destination = await make('/destinations', {
    name: 'files',
    type: 'local_file',
    config: { path: folder },
  })
  const connection = await make('/connections', {
    name: 'shop-to-files',
    source_id: source.id,
    destination_id: destination.id,
  })
  await make('/streams', { connection_id: connection.id, ...stream })
}

const noOverflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

t.test(
  'nobody gets in without a key, and a link comes back to where it led',
  { skip },
  async (t) => {
    const { page, derrick } = await scene(t)
    await page.goto(`${derrick.url}/runs?status=failed`)
    await page.getByLabel('API key').fill('dk_live_nonsense')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('API key').fill(derrick.apiKey)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Runs' }).waitFor()
    t.match(page.url(), /\/runs\?status=failed$/)
  },
)

t.test('from nothing to the first complete calendar, in the console alone', { skip }, async (t) => {
  const { page, derrick, shop, folder, start, window } = await scene(t)
  await signIn(page, derrick.url, derrick.apiKey)
  window.complaints.length = 0

  await page.getByRole('link', { name: 'Set up a connection' }).click()
  await page.getByRole('link', { name: 'New source' }).last().click()
  await page.getByLabel('Name').fill('shop')
  await page.getByLabel('Address').fill(shop.url)
  await page.getByLabel('API key').fill('wrong')
  await page.getByLabel('Start date').fill(start)
  await page.getByRole('button', { name: 'Check and save' }).click()
  await page.getByText('nothing is saved yet').waitFor()
  t.match(
    await page.locator('.steps').textContent(),
    /What to do/,
    'a failed check says what to do',
  )
  await page.getByLabel('API key').fill(shop.apiKey)
  await page.getByRole('button', { name: 'Check and save' }).click()

  await page.getByRole('heading', { name: 'New connection' }).waitFor()
  await page.getByRole('link', { name: 'New destination' }).click()
  await page.getByLabel('Name').fill('files')
  await page.getByLabel('Path').fill(folder)
  await page.getByRole('button', { name: 'Save' }).click()

  await page.getByLabel('Orders', { exact: false }).first().waitFor()
  for (const other of ['Events', 'Customers', 'Products', 'Refunds']) {
    await page.getByRole('checkbox', { name: other }).uncheck()
  }
  t.ok(
    await page.getByLabel('Order of refunds').locator('option[value=newest_first]').isDisabled(),
    'newest first is off where the API can’t do it',
  )
  await page.getByRole('checkbox', { name: 'Orders' }).uncheck()
  t.ok(await page.getByRole('button', { name: 'Add streams' }).isDisabled())
  await page.getByRole('checkbox', { name: 'Orders' }).check()
  await page.getByRole('button', { name: 'Add 1 stream' }).click()

  const row = page.locator('li.stream', { hasText: 'orders' })
  await row.getByText('up to date').waitFor({ timeout: 90_000 })
  await row.getByText(`${historyDays + 1} / ${historyDays + 1} ranges`).waitFor()
  t.match(page.url(), /open=str_/, 'its calendar is open')
  const { data: streams } = await derrick.api<{ data: { name: string }[] }>('GET', '/streams')
  t.same(
    streams.map(({ name }) => name),
    ['orders'],
    'none that was not ticked',
  )
  const day = page.getByRole('region', { name: 'The last 24 hours' })
  await day.getByText(/^[\d,]+ records in 1 sync$/).waitFor()
  await row.locator('.legend', { hasText: 'complete' }).waitFor()
  t.same(window.complaints, [], 'nothing was refused by the policy, nothing threw')
})

t.test(
  'a calendar is read by keyboard, and what is open is in the address',
  { skip },
  async (t) => {
    const of = await scene(t)
    const { page, derrick } = of
    await connect(of, { name: 'orders', sync_strategy: 'newest_first' })
    await signIn(page, derrick.url, derrick.apiKey)
    const row = page.locator('li.stream', { hasText: 'orders' })
    await row.getByRole('button', { name: 'Sync now' }).click()
    await row.getByText('up to date').waitFor({ timeout: 90_000 })

    await page.getByRole('application').focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('Enter')
    const drawer = page.getByRole('dialog')
    await drawer.getByText('complete').first().waitFor()
    t.match(page.url(), /range=rng_/)
    await drawer.getByRole('cell', { name: 'complete' }).waitFor()
    const title = await drawer.getByRole('heading').first().textContent()
    await page.reload()
    await page
      .getByRole('dialog')
      .getByRole('heading', { name: title ?? '' })
      .waitFor()
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'detached' })
    t.notMatch(page.url(), /range=/)
  },
)

t.test('a cancel answers at once and is then carried out', { skip }, async (t) => {
  const of = await scene(t)
  const { page, derrick, shop } = of
  await shop.setLatency(2_000)
  await connect(of, { name: 'orders', sync_strategy: 'newest_first' })
  await signIn(page, derrick.url, derrick.apiKey)
  const row = page.locator('li.stream', { hasText: 'orders' })
  await row.getByRole('button', { name: 'Sync now' }).click()
  await row.getByText('running').first().waitFor()
  await row.getByRole('button', { name: 'Cancel' }).click()
  await row.getByRole('button', { name: 'Sync now' }).waitFor({ timeout: 60_000 })
  await page.getByRole('link', { name: 'Runs' }).click()
  await page.getByRole('cell', { name: 'cancelled' }).waitFor()
})

t.test('a refused key shows its remedy where one looks first', { skip }, async (t) => {
  const of = await scene(t)
  const { page, derrick, shop } = of
  await shop.addFaults([{ kind: 'status', status: 401 }])
  await connect(of, { name: 'orders', sync_strategy: 'newest_first' })
  await signIn(page, derrick.url, derrick.apiKey)
  const row = page.locator('li.stream', { hasText: 'orders' })
  await row.getByRole('button', { name: 'Sync now' }).click()
  await page.getByText('The source is paused').waitFor({ timeout: 60_000 })
  await row.locator('.failure', { hasText: 'auth' }).waitFor()

  await page.getByRole('button', { name: 'Notifications, 1 unread' }).click()
  const drawer = page.getByRole('dialog', { name: 'Notifications' })
  await drawer.getByText('shop is paused: sign-in refused').waitFor()
  await drawer.getByText('What to do:').waitFor()
  await drawer.getByRole('button', { name: 'Mark all as read' }).click()
  await page
    .getByRole('button', { name: 'Notifications', exact: true, includeHidden: true })
    .waitFor()
  await drawer.getByRole('link', { name: 'Open its source' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sources' }).waitFor()
})

t.test('a stream takes types of columns and the longest time of a run', { skip }, async (t) => {
  const of = await scene(t)
  const { page, derrick } = of
  await connect(of, { name: 'orders' })
  const { data: sources } = await derrick.api<{ data: { id: string }[] }>('GET', '/sources')
  const make = (path: string, body: object) => derrick.api<{ id: string }>('POST', path, body)
  const config = { url: 'postgres://nobody@127.0.0.1:1/none' }
  const tables = await make('/destinations', { name: 'tables', type: 'postgres', config })
  const ends = { source_id: sources[0]?.id, destination_id: tables.id }
  const connection = await make('/connections', { name: 'to-tables', ...ends })
  const stream = await make('/streams', { connection_id: connection.id, name: 'products' })
  await signIn(page, derrick.url, derrick.apiKey)
  await page.goto(`${derrick.url}/connections?edit=${stream.id}`)
  const field = page.getByLabel('Types of columns')
  await field.fill('price: decimal')
  await page.getByRole('alert').filter({ hasText: 'price: decimal' }).waitFor()
  t.ok(await page.getByRole('button', { name: 'Save' }).isDisabled())
  await field.fill('price: number')
  await page.getByLabel('Longest run, minutes').fill('90')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('products is saved').waitFor()
  t.match(await derrick.api('GET', `/streams/${stream.id}`), {
    columns: { price: { type: 'number' } },
    max_run_minutes: 90,
  })
  const line = page.getByRole('row', { name: /products/ })
  await line.getByText('read whole').waitFor()
})

t.test('every page fits a phone, in the dark too', { skip }, async (t) => {
  const of = await scene(t)
  const { page, derrick } = of
  await connect(of, { name: 'orders', sync_strategy: 'newest_first' })
  await signIn(page, derrick.url, derrick.apiKey)
  await page.setViewportSize({ width: 390, height: 844 })
  await page.emulateMedia({ colorScheme: 'dark' })
  const pages = ['Overview', 'Runs', 'Connections', 'Sources', 'Destinations', 'Settings']
  for (const name of pages) {
    const box = await page.getByRole('link', { name, exact: true }).first().boundingBox()
    t.ok(box && box.x >= 0 && box.x + box.width <= 390, `${name} is in sight`)
  }
  for (const name of pages) {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    t.ok(await noOverflow(page), name)
  }
  const ground = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  const dark = await ground()
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.getByRole('button', { name: /^Theme: system/ }).click()
  t.not(await ground(), dark, 'light when asked for, whatever the system says')
  await page.reload()
  await page.getByRole('heading', { level: 1 }).waitFor()
  t.not(await ground(), dark, 'and still so after a reload')
})

t.test('nine tabs live on one connection', { skip }, async (t) => {
  const of = await scene(t)
  const { page, derrick, window } = of
  await connect(of, { name: 'orders', sync_strategy: 'newest_first' })
  await signIn(page, derrick.url, derrick.apiKey)
  for (let i = 0; i < 8; i++) {
    const tab = await window.context.newPage()
    await tab.goto(`${derrick.url}/`)
    await tab.locator('.live', { hasText: 'live' }).waitFor({ timeout: 15_000 })
  }
  const last = window.context.pages().at(-1) as Page
  await derrick.api('POST', `/streams/${await streamId(derrick)}/sync`, {})
  const whole = last.getByText(`${historyDays + 1} / ${historyDays + 1} ranges`)
  await whole.waitFor({ timeout: 90_000 })
  t.pass('the ninth tab heard it')
})

async function streamId(derrick: Awaited<ReturnType<typeof scene>>['derrick']): Promise<string> {
  const { data } = await derrick.api<{ data: { id: string }[] }>('GET', '/streams')
  return data[0]?.id ?? ''
}
