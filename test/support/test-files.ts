import type { StdioOptions } from 'node:child_process'
import { Test } from 'tap'

export interface FilesOptions {
  /** so many files at once */
  jobs: number
  /** for one file; it may ask for more by t.setTimeout */
  fileMs: number
  /** for all of them */
  allMs: number
  /** a folder where Node keeps what it compiled, from one file to the next */
  cache: string
  /** for the files, beside what this process has */
  env?: Record<string, string>
  /** told of each file as it ends */
  onEnd(file: EndedFile): void
}

export interface EndedFile {
  name: string
  ok: boolean
  ms: number
  /** what it printed, as TAP */
  tap: string
}

/** Assertions, not files. */
export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/**
 * Runs each test file in a process of its own, in their order.
 *
 * This is what tap's own command does, but for its loader hooks: Node strips types itself, nothing is mocked or covered, and
 * the hooks double the start of each file and of each program that a test starts.
 */
export async function runTestFiles(files: string[], options: FilesOptions): Promise<Counts> {
  const { jobs, fileMs, allMs, cache } = options
  const all = new Test({ name: 'derrick', jobs })
  all.on('subtestEnd', (file) => {
    const { name, time = 0, output } = file
    options.onEnd({ name, ms: Math.round(time), ok: file.passing(), tap: output })
  })
  const env = {
    ...process.env,
    ...options.env,
    TAP_TIMEOUT: String(fileMs / 1000),
    NODE_COMPILE_CACHE: cache,
  }
  const stdio: StdioOptions = ['ignore', 'pipe', 'inherit']
  for (const name of files) {
    // tap puts one of its hooks into NODE_OPTIONS.
    const args = ['-u', 'NODE_OPTIONS', process.execPath, name]
    void all.spawn('env', args, { name, env, stdio, timeout: fileMs, buffered: true })
  }
  const timer = setTimeout(() => all.bailout(`the tests took more than ${allMs} ms`), allMs)
  all.end()
  all.resume()
  await all.promise()
  clearTimeout(timer)
  const { pass, fail, skip, todo } = all.counts
  // The verdict counts also where no assertion failed: a crash, a leak, a bound.
  const failed = all.passing() ? 0 : Math.max(fail, 1)
  return { passed: pass, failed, skipped: skip + todo }
}
