import Type from 'typebox'
import { DerrickError } from '../../schema/error.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { nearest } from '../../schema/manifest/nearest.ts'
import { PreviewReport, previewAsk, previewLimits } from '../../schema/preview.ts'
import { isZone } from '../../schema/tiling.ts'
import { sourceConfigErrors } from './config-input.ts'
import type { ApiDeps } from './deps.ts'
import { ApiProblem, unprocessable } from './problem.ts'
import type { FieldError } from './problem-schema.ts'

/** What every preview takes. */
export const previewFields = {
  stream: Type.String({ minLength: 1, maxLength: 63 }),
  ...previewAsk,
}

export const PreviewAnswer = Type.Object({
  ...PreviewReport.properties,
  fixture: Type.Optional(Type.String({ description: 'when record was asked for' })),
})

interface PreviewRequest {
  stream: string
  from?: string
  to?: string
  pages?: number
  limit?: number
  edges?: boolean
  config: Record<string, unknown>
  timezone?: string
  record?: boolean
  replay?: string
  /** of one that is stored: its sign-in may have to be renewed and stored */
  source?: { id: string; connector: string }
}

/** Runs a preview on the workbench. Throws ApiProblem 422 that names every bad field, 503 when it took too long. */
export async function preview(
  manifest: Manifest,
  asked: PreviewRequest,
  { workbench, engine, config: { allowPrivateNetworks } }: ApiDeps,
): Promise<PreviewReport & { fixture?: string }> {
  const { stream, config, timezone = 'UTC', record, replay, source } = asked
  const { standard } = previewLimits.pages
  const [from, to] = [asked.from, asked.to].map((text) =>
    text === undefined ? null : Date.parse(text),
  ) as [number | null, number | null]
  const errors = [
    ...streamErrors(manifest, stream),
    ...(replay === undefined ? sourceConfigErrors(manifest, config) : []),
    ...(isZone(timezone) ? [] : [{ pointer: '/timezone', detail: 'is not a known time zone' }]),
    ...windowErrors(from, to),
  ]
  if (errors.length > 0) throw unprocessable('preview.invalid', errors)
  const order = {
    stream,
    from,
    to,
    pages: asked.pages ?? standard,
    records: asked.limit ?? previewLimits.records.standard,
    edges: asked.edges ?? true,
  }
  // A fixture's answers need no credentials.
  const signIn = source && replay === undefined && engine.openSignIn(source.id, source.connector)
  try {
    const { report, fixture } = await workbench.preview({
      manifest,
      config,
      timezone,
      order,
      allowPrivateNetworks,
      ...(record === undefined ? {} : { record }),
      ...(replay === undefined ? {} : { replay }),
      ...(signIn ? { signIn } : {}),
    })
    return { ...report, ...(fixture === undefined ? {} : { fixture }) }
  } catch (error) {
    throw asProblem(error)
  }
}

function streamErrors({ id, streams }: Manifest, stream: string): FieldError[] {
  if (Object.hasOwn(streams, stream)) return []
  const names = Object.keys(streams)
  const close = nearest(stream, names)
  const remedy = close ? `did you mean ${close}?` : `its streams: ${names.join(', ')}`
  return [{ pointer: '/stream', detail: `${id} has no such stream`, remedy }]
}

function windowErrors(from: number | null, to: number | null): FieldError[] {
  if (from !== null && to !== null && from >= to)
    return [{ pointer: '/to', detail: 'must be after from' }]
  return to !== null && from === null
    ? [{ pointer: '/from', detail: 'is needed where to is given' }]
    : []
}

function asProblem(error: unknown): unknown {
  if (!(error instanceof DerrickError)) return error
  const { code, message, remedy } = error.failure
  const extras = remedy ? { remedy } : {}
  if (code.startsWith('workbench.')) return new ApiProblem(503, code, message, extras)
  return new ApiProblem(422, code, message, extras)
}
