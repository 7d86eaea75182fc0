import Type, { type Static } from 'typebox'

/** What the loader can find. */
export const issueCodes = [
  'manifest.yaml',
  'manifest.schema',
  'manifest.name',
  'manifest.expr',
  'manifest.parent',
  'manifest.window.no_end',
  'manifest.window.end_unused',
  'manifest.window.nothing_sent',
  'manifest.window.unit',
  'manifest.paging.short_unsent',
  'manifest.paging.drift',
  'manifest.paging.restart',
  'manifest.secret.in_url',
  'manifest.duplicate_id',
] as const
export type IssueCode = (typeof issueCodes)[number]

/** Something to say about a manifest file. Errors make the connector unusable, warnings do not. */
export const ManifestIssue = Type.Object({
  code: Type.Enum(issueCodes),
  severity: Type.Enum(['error', 'warning']),
  message: Type.String(),
  remedy: Type.String(),
  file: Type.String(),
  line: Type.Integer({ minimum: 1 }),
  column: Type.Integer({ minimum: 1 }),
  path: Type.String({ description: 'where in the file, dotted' }),
})
export type ManifestIssue = Static<typeof ManifestIssue>

/** Steps from the top of the file to a value. */
export type ManifestPath = readonly (string | number)[]

/** An issue before its place is turned into line and column. */
export interface Finding {
  code: IssueCode
  severity?: 'warning'
  message: string
  remedy: string
  path: ManifestPath
  /** point at the key instead of the value */
  atKey?: boolean
  /** characters into a text value */
  offset?: number | undefined
}

export const pathText = (path: ManifestPath): string =>
  path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`,
    '',
  )
