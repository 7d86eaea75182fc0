import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import t from 'tap'
import { requireService } from './services.ts'

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
  context: BrowserContext
  page: Page
  /** what the page complained about: uncaught errors, console errors, refused by CSP */
  complaints: string[]
  close(): Promise<void>
}

let shared: Promise<Browser> | undefined

/** One process for all windows of a test file; it ends with the file. */
function sharedBrowser(): Promise<Browser> {
  if (shared) return shared
  const executablePath = requireService('chromium')
  const launched = chromium.launch({ executablePath, args: flags, headless: true })
  t.teardown(async () => (await launched).close())
  shared = launched
  return launched
}

/** A window with a fresh profile in headless Chromium, as the machine's package brings it. */
export async function openBrowser(
  options: { width?: number; height?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<BrowserWindow> {
  const browser = await sharedBrowser()
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.colorScheme ?? 'light',
  })
  const complaints: string[] = []
  context.on('weberror', (event) => complaints.push(String(event.error())))
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  const page = await context.newPage()
  return { context, page, complaints, close: () => context.close() }
}
