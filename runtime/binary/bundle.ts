import { type Plugin, rolldown } from 'rolldown'
import type { Sabotage } from '../../schema/sabotage.ts'

/** Modules that packages ask for only if they happen to be installed; each sits in a try block. */
const optionalModules = /^(pg-native|pg-cloudflare|@napi-rs\/nice)$/

/** `import.meta` has no meaning in CommonJS; no code may build a path from it in the executable. */
const define = {
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

/**
 * Bundles `entry` and everything it imports into one CommonJS file. Names and white space stay:
 * minified, one stack trace would print a line of a megabyte. Only code that cannot run goes, which
 * takes every deliberate breach out of a bundle that asks for none.
 * Rejects when an import cannot be resolved.
 */
export async function bundle(
  entry: string,
  output: string,
  sabotage: Sabotage = '',
): Promise<void> {
  const build = await rolldown({
    input: entry,
    platform: 'node',
    plugins: [leaveOptional],
    transform: { define: { ...define, DERRICK_SABOTAGE: JSON.stringify(sabotage) } },
    onLog(level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message)
      if (log.code !== 'EVAL') report(level, log)
    },
  })
  try {
    await build.write({ file: output, format: 'cjs', codeSplitting: false, minify: 'dce-only' })
  } finally {
    await build.close()
  }
}
