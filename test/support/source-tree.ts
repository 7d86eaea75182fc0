import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, extname, join, relative, sep } from 'node:path'

export interface SourceFile {
  /** from the root, with forward slashes */
  path: string
  text: string
  /** as written, in the order of the file */
  imports: string[]
}

/** Folders that hold nothing written by hand. */
const generated = new Set(['node_modules', 'dist', '.git', '.tap', '.derrick'])
const code = new Set(['.ts', '.tsx'])
const readable = new Set([...code, '.md', '.json', '.yaml', '.yml', '.sql', '.css', '.html', ''])

/** Paths of all hand-written text files below `root`. */
export function textFiles(root: string): string[] {
  const found: string[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!generated.has(entry.name)) visit(path)
      } else if (readable.has(extname(entry.name)) && entry.name !== 'package-lock.json') {
        found.push(relative(root, path).split(sep).join('/'))
      }
    }
  }
  visit(root)
  return found.sort()
}

/** All TypeScript files below `root`, read. */
export function sourceFiles(root: string): SourceFile[] {
  return textFiles(root)
    .filter((path) => code.has(extname(path)))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, text, imports: importsOf(text) }
    })
}

const importForms = [
  /^\s*(?:import|export)\b[^'"`;=]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\brequire\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\bnew URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g,
]

/** What a file loads, in whatever form; types count, as they bind files together too. */
export function importsOf(text: string): string[] {
  return importForms.flatMap((form) => [...text.matchAll(form)].map(([, path]) => path ?? ''))
}

/** The file that a relative import means, from the root; undefined for packages and for what is not there. */
export function resolveImport(root: string, from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const path = join(dirname(from), specifier.replace(/\?.*$/, ''))
  const file = join(root, path)
  return existsSync(file) && statSync(file).isFile() ? path.split(sep).join('/') : undefined
}

/** Everything that the entries load, directly or not. */
export function reachedFrom(root: string, files: SourceFile[], entries: string[]): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const reached = new Set<string>()
  const queue = [...entries]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    for (const specifier of byPath.get(path)?.imports ?? []) {
      const found = resolveImport(root, path, specifier)
      if (found !== undefined) queue.push(found)
    }
  }
  return reached
}

/** A line that opens a function's body, in the formatter's layout. */
const opens =
  /\bfunction\b.*\{$|=>\s*\{$|^\s*(?:static |async |get |set |\*)*[\w#]+\(.*\).*\{$|^\s*\).*\{$/
const opensControl = /^\s*(?:\} )?(?:if|else|for|while|switch|try|catch|finally|do|with)\b/

const empty = /^\s*(\/\/.*|\/?\*.*)?$/

/** Functions with their number of lines of code between the braces; relies on the formatter's indentation. */
export function functionLengths(text: string): { line: number; lines: number }[] {
  const lines = text.split('\n')
  const found: { line: number; lines: number }[] = []
  lines.forEach((line, index) => {
    if (!opens.test(line) || opensControl.test(line)) return
    const indent = line.match(/^\s*/)?.[0] ?? ''
    const end = lines.findIndex((other, at) => at > index && other.startsWith(`${indent}}`))
    if (end < 0) return
    const body = lines.slice(index + 1, end).filter((each) => !empty.test(each))
    found.push({ line: index + 1, lines: body.length })
  })
  return found
}
