import type { Plugin } from 'rolldown'

interface Late {
  /** a package's file that loads `module` as `name` at its top */
  file: RegExp
  name: string
  module: string
}

/**
 * Modules that packages load when they are loaded themselves, for what Derrick never asks of them: HTTP/2 and TLS
 * servers, version ranges of plugins, commands that are programs of their own. In the executable they are loaded when
 * they are first used, which is a tenth of a start less.
 */
const lateModules: Late[] = [
  { file: /\/fastify\/lib\/server\.js$/, name: 'http2', module: 'node:http2' },
  { file: /\/fastify\/lib\/server\.js$/, name: 'https', module: 'node:https' },
  { file: /\/fastify\/lib\/plugin-utils\.js$/, name: 'semver', module: 'semver' },
  { file: /\/commander\/lib\/command\.js$/, name: 'childProcess', module: 'node:child_process' },
]

/** Rewrites `name.x` in those files; fails when a package does not load the module as it did. */
export const loadLate: Plugin = {
  name: 'load-late',
  transform(code, id) {
    const late = lateModules.filter(({ file }) => file.test(id))
    if (late.length === 0) return null
    return late.reduce(makeLate, code)
  },
}

function makeLate(code: string, { name, module, file }: Late): string {
  const loads = [`const ${name} = require('${module}')`, `import ${name} from '${module}';`]
  const found = loads.find((text) => code.includes(text))
  if (found === undefined) throw new Error(`${file} does not load ${module} as ${name} any more`)
  const load = module.startsWith('node:')
    ? `process.getBuiltinModule('${module}')`
    : `require('${module}')`
  return code.replace(found, '').replaceAll(new RegExp(`\\b${name}\\.(?=\\w)`, 'g'), `${load}.`)
}
