/** A stranger's connector in the console: its errors, what it can do, its records before anything is stored. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openBrowser } from '../support/browser.ts'
import { startDerrick } from '../support/derrick.ts'
import { missingServices } from '../support/services.ts'
import { startShop } from '../support/simulator.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(240_000)
const skip = missingServices('chromium')
const dayMs = 86_400_000
const shopManifest = join(import.meta.dirname, '../../manifests/demo_shop.yaml')

t.test('a manifest from the folder, from its errors to its first records', { skip }, async (t) => {
  const data = tempDir('preview-data')
  const own = tempDir('preview-manifests')
  const write = (text: string) => writeFileSync(join(own.path, 'my_shop.yaml'), text)
  const good = readFileSync(shopManifest, 'utf8')
    .replace('id: demo_shop', 'id: my_shop')
    .replace('name: Demo Shop', 'name: My Shop\ndescription: The shop next door.')
  write(
    good.replace('path: /v1/orders', 'pth: /v1/orders').replace('end_filter: true', 'end_filtr: 1'),
  )
  const shop = await startShop({ startMs: Date.now() - 5 * dayMs })
  const derrick = await startDerrick({
    dataDir: data.path,
    env: { DERRICK_MANIFESTS_DIR: own.path, DERRICK_AUTH_DISABLED: 'true' },
  })
  const window = await openBrowser({ width: 390, height: 844 })
  t.teardown(async () => {
    await window.close()
    await derrick.stop()
    await shop.stop()
    data.remove()
    own.remove()
  })
  const { page } = window
  await page.goto(`${derrick.url}/sources`)
  const issues = page.getByRole('list', { name: 'Issues of the manifest' })
  await issues.waitFor()
  t.match(await issues.textContent(), /my_shop\.yaml:\d+:\d+.*pth.*What to do.*end_filtr/s)
  t.match(derrick.log(), /my_shop\.yaml:\d+:\d+/, 'the log has them, too')

  write(good)
  await page.reload()
  await page.getByRole('link', { name: 'My Shop' }).click()
  await page.getByText('The shop next door.').waitFor()
  await page.getByText('oldest first', { exact: false }).first().waitFor()
  await page.getByRole('link', { name: 'New source' }).last().click()

  await page.getByLabel('Address').fill('nonsense')
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByRole('alert').filter({ hasText: 'API key' }).waitFor()
  await page.getByLabel('API key').fill(shop.apiKey)
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByRole('alert').filter({ hasText: 'Address' }).waitFor()
  await page.getByLabel('Address').fill(shop.url)
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByText(/\d+ records in 2 pages/).waitFor()
  t.ok((await page.getByRole('region', { name: 'Records' }).getByRole('row').count()) > 5)
  t.notMatch(await page.content(), `Bearer ${shop.apiKey}`)
  t.strictSame(
    await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
    true,
    'nothing sticks out at 390 px',
  )
  t.strictSame((await derrick.api<{ data: unknown[] }>('GET', '/sources')).data, [])
  t.strictSame(
    window.complaints.filter((text) => !/422/.test(text)),
    [],
  )
})
