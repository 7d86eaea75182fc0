import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { loadLate } from './late-modules.ts'

/** Modules that packages ask for only if they happen to be installed; each sits in a try block. */
const optionalModules = /^(pg-native|pg-cloudflare|@napi-rs\/nice)$/

/** There is no folder that a module came from: no code may build a path from one in the executable. */
const define = {
  __dirname: '"/"',
  __filename: '"/derrick"',
  'import.meta.dirname': '"/"',
  'import.meta.filename': '"/derrick"',
  'import.meta.main': 'false',
  'import.meta.url': '"file:///derrick"',
}

const leaveOptional: Plugin = {
  name: 'leave-optional-modules-outside',
  resolveId(id) {
    return optionalModules.test(id) ? { id, external: true } : null
  },
}

export interface BundleOptions {
  entry: string
  /** emptied first; a chunk of the bundle is a file in it */
  folder: string
  /** all in one file instead of a chunk for whatever is loaded later */
  whole?: boolean
  /** with the deliberate breaches of `schema/sabotage.ts`; the environment says which one acts */
  breaches?: boolean
}

/**
 * Bundles `entry` and everything it imports into CommonJS chunks and returns their files' names; the
 * first has the entry's name. Names and white space stay: minified, one stack trace would print a
 * line of a megabyte. Only code that cannot run goes, which takes every deliberate breach out of a
 * bundle that asks for none. Rejects when an import cannot be resolved.
 */
export async function bundle(options: BundleOptions): Promise<string[]> {
  const { entry, folder, whole = false, breaches = false } = options
  const sabotage = breaches ? 'process.env.DERRICK_SABOTAGE' : '""'
  const build = await rolldown({
    input: entry,
    platform: 'node',
    plugins: [leaveOptional, loadLate],
    transform: { define: { ...define, DERRICK_SABOTAGE: sabotage } },
    onLog(level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message)
      if (log.code !== 'EVAL') report(level, log)
    },
  })
  try {
    const { output } = await build.generate({
      format: 'cjs',
      ...(whole ? { codeSplitting: false } : {}),
      minify: 'dce-only',
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name].cjs',
    })
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    return output.map((chunk) => {
      if (chunk.type !== 'chunk') throw new Error(`${chunk.fileName} can't be embedded`)
      const code = asciiOnly(chunk.code)
      writeFileSync(join(folder, chunk.fileName), whole ? code : asFunction(code))
      return chunk.fileName
    })
  } finally {
    await build.close()
  }
}

/** What the chunk loader evaluates; on the first line, so that lines keep their numbers. */
const asFunction = (code: string): string => `(function (require, module, exports) {${code}\n})`

/** Escapes mean the same in strings, patterns and names, and nothing in comments. */
const asciiOnly = (code: string): string =>
  code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
