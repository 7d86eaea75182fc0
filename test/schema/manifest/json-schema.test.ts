import { readdirSync } from 'node:fs'
import t from 'tap'
import { Compile } from 'typebox/schema'
import { parse } from 'yaml'
import { manifestJsonSchema } from '../../../schema/manifest/json-schema.ts'
import { fixtureText, minimal } from './support.ts'

const schema = manifestJsonSchema()
const validator = Compile(schema)

t.test('the schema takes what the loader takes', (t) => {
  for (const file of readdirSync(new URL('./fixtures/', import.meta.url))) {
    const value = parse(fixtureText(file.replace('.yaml', '')))
    const [isValid, errors] = validator.Errors(value)
    t.ok(isValid, `${file} ${JSON.stringify(errors.slice(0, 3))}`)
  }
  t.ok(validator.Check(parse(minimal)))
  t.end()
})

t.test('the schema refuses what an editor should underline', (t) => {
  const broken: [name: string, change: (file: ReturnType<typeof parse>) => void][] = [
    [
      'an unknown key',
      (file) => {
        file.stream = {}
      },
    ],
    [
      'another format',
      (file) => {
        file.derrick = 2
      },
    ],
    [
      'no streams',
      (file) => {
        file.streams = {}
      },
    ],
    [
      'a bad id',
      (file) => {
        file.id = 'Shop!'
      },
    ],
    [
      'no first page',
      (file) => {
        file.streams.items.paging = { type: 'page', name: 'p' }
      },
    ],
    [
      'no end_filter',
      (file) => {
        file.streams.items.window = { field: 'a', tracks: 'updates' }
      },
    ],
    [
      'a bad action',
      (file) => {
        file.streams.items.errors = parse('[{when: {status: 404}, then: ignore}]')
      },
    ],
    [
      'a bad duration',
      (file) => {
        file.api.timeout = '5 seconds'
      },
    ],
    [
      'a number as duration',
      (file) => {
        file.api.timeout_ms = 5
      },
    ],
    [
      'a bad stream name',
      (file) => {
        file.streams['a-b'] = {}
      },
    ],
  ]
  for (const [name, change] of broken) {
    const file = parse(minimal)
    change(file)
    t.notOk(validator.Check(file), name)
  }
  t.end()
})

t.test('it is plain JSON without our own keywords', (t) => {
  const text = JSON.stringify(schema)
  t.strictSame(JSON.parse(text), schema)
  t.notMatch(text, /"x-/)
  t.notMatch(text, /_ms"|_bytes"/)
  t.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
  for (const [, name] of text.matchAll(/#\/\$defs\/(\w+)/g)) {
    t.ok(Object.hasOwn(schema.$defs as object, name as string), String(name))
  }
  t.end()
})
