import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { requireService } from './services.ts'
import { tempDir } from './temp-dir.ts'

/** A root shell has no sandbox to offer, a server no GPU; the rest keeps the browser off the network. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
]

export interface BrowserWindow {
  browser: Browser | null
  context: BrowserContext
  page: Page
  /** what the page complained about: uncaught errors, console errors, refused by CSP */
  complaints: string[]
  close(): Promise<void>
}

/** Headless Chromium with a fresh profile, as the machine's package brings it. */
export async function openBrowser(
  options: { width?: number; height?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<BrowserWindow> {
  const profile = tempDir('browser')
  const context = await chromium.launchPersistentContext(profile.path, {
    executablePath: requireService('chromium'),
    args: flags,
    headless: true,
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.colorScheme ?? 'light',
  })
  const complaints: string[] = []
  context.on('weberror', (event) => complaints.push(String(event.error())))
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  const page = context.pages()[0] ?? (await context.newPage())
  return {
    browser: context.browser(),
    context,
    page,
    complaints,
    async close() {
      await context.close()
      profile.remove()
    },
  }
}
