import { defineConfig } from 'vite'
import solid from 'vite-plugin-solid'

// Where a running `derrick serve` answers while the console is being worked on.
const server = process.env.DERRICK_URL ?? 'http://127.0.0.1:7070'

// The entities' schemas are values made by TypeBox. The console needs the types and word lists of
// most: calls of `Type` have no effect, so schemas that nobody reads are left out of the bundle.
const rolldownOptions = { treeshake: { manualPureFunctions: ['Type', 'IdOf'] } }

// biome-ignore lint/style/noDefaultExport: Vite takes its config from the default export
export default defineConfig({
  root: import.meta.dirname,
  plugins: [solid()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions,
  },
  worker: { format: 'es', rolldownOptions },
  server: { proxy: { '/api': server } },
})
