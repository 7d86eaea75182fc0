import { Script, constants as vmConstants } from 'node:vm'

/** A bundle's chunk, in the function that CommonJS modules run in. */
type Chunk = (require: Require, module: { exports: unknown }, exports: unknown) => void
type Require = (id: string) => unknown

export interface ChunkSource {
  /** The chunk's code, an expression that yields a `Chunk`; throws where there is none. */
  code(key: string): string
  /** V8's code cache of that code, when the build made one. */
  codeCache(key: string): Buffer | undefined
  /** Hears of each script that was compiled. */
  compiled?(key: string, script: Script): void
}

/** Where a chunk's code cache is kept. */
export const codeCacheKey = (key: string): string => `${key}.cache`

/**
 * A `require` for the chunks of one bundle: `./x.cjs` is the chunk `<folder>/x.cjs`, evaluated once;
 * all else is asked of `outside`. With its code cache a chunk is not parsed again: V8 takes the
 * functions that a start needs as they were compiled at the build.
 */
export function chunkLoader(folder: string, source: ChunkSource, outside: Require): Require {
  const loaded = new Map<string, { exports: unknown }>()
  const require = (id: string): unknown => {
    if (!id.startsWith('./')) return outside(id)
    const key = `${folder}/${id.slice(2)}`
    const known = loaded.get(key)
    if (known) return known.exports
    const module = { exports: {} }
    loaded.set(key, module)
    compile(key, source)(require, module, module.exports)
    return module.exports
  }
  return require
}

function compile(key: string, source: ChunkSource): Chunk {
  const cachedData = source.codeCache(key)
  // V8 refuses a cache that another build of it made, and compiles the code as if there were none.
  const script = new Script(source.code(key), {
    filename: `derrick:${key}`,
    importModuleDynamically: vmConstants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  })
  source.compiled?.(key, script)
  return script.runInThisContext() as Chunk
}
