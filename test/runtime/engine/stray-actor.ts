/** A pool task that returns, and whose worker dies afterwards, when nobody waits for it. */
// biome-ignore lint/style/noDefaultExport: Piscina calls a module's default export
export default async function stray(): Promise<string> {
  setTimeout(() => {
    throw new Error('nobody waits for this')
  }, 20)
  return 'returned'
}
