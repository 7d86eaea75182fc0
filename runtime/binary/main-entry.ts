import { cli } from '../main.ts'
import { installEmbeddedWorker } from './embedded-worker.ts'

installEmbeddedWorker()
cli(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
})
