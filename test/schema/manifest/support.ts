import { readFileSync } from 'node:fs'
import { loadManifest } from '../../../schema/manifest/load.ts'
import type { Manifest } from '../../../schema/manifest/manifest.ts'

/** A whole manifest to which lines of `streams` can be added. */
export const minimal = `derrick: 1
id: shop
version: 1.0.0
api: {base_url: "https://a.example"}
streams:
  items: {path: /items}`

export const load = (text: string) => loadManifest(text, 'shop.yaml')

export const fixtureText = (name: string): string =>
  readFileSync(new URL(`./fixtures/${name}.yaml`, import.meta.url), 'utf8')

/** A fixture that must load. */
export function loadFixture(name: string): Manifest {
  const { manifest, issues } = loadManifest(fixtureText(name), `${name}.yaml`)
  if (!manifest) throw new Error(JSON.stringify(issues, null, 2))
  return manifest
}

/** A manifest of one stream `s` with these keys, written as one line of YAML each. */
export const withStream = (...lines: string[]) =>
  load(`derrick: 1
id: shop
version: 1.0.0
config: {key: {secret: true}, zone: {}, late: {}}
api: {base_url: "https://a.example"}
streams:
  s:
${lines.map((line) => `    ${line}`).join('\n')}
`)
