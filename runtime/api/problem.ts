import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { TLocalizedValidationError } from 'typebox/error'
import { DerrickError, type Failure } from '../../schema/error.ts'
import type { FieldError, Problem } from './problem-schema.ts'

export interface ProblemExtras {
  remedy?: string
  errors?: FieldError[]
  headers?: Record<string, string>
}

/** A request that is answered with a problem. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly extras: ProblemExtras
  constructor(status: number, code: string, detail: string, extras: ProblemExtras = {}) {
    super(detail)
    this.name = 'ApiProblem'
    this.status = status
    this.code = code
    this.extras = extras
  }
}

export const notFound = (kind: string, id: string): ApiProblem =>
  new ApiProblem(404, `${kind}.not_found`, `there is no ${kind.replace('_', ' ')} ${id}`)

export const noRoute = ({ method, url }: Pick<FastifyRequest, 'method' | 'url'>): ApiProblem =>
  new ApiProblem(404, 'route.not_found', `there is no ${method} ${url}`, {
    remedy: 'see /api/v1/openapi.json',
  })

/** A body that is well formed and says something that can't be; names every field. */
export function unprocessable(code: string, errors: FieldError[], remedy?: string): ApiProblem {
  const detail = errors.map((error) => `${error.pointer}: ${error.detail}`).join('; ')
  return new ApiProblem(422, code, detail, { errors, ...(remedy ? { remedy } : {}) })
}

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  406: 'Not acceptable',
  409: 'Conflict',
  412: 'Changed in the meantime',
  413: 'Too large',
  415: 'Not JSON',
  421: 'Unknown host',
  422: 'Invalid',
  429: 'Too many requests',
  500: 'Internal error',
  502: 'The other side failed',
  503: 'Not ready',
}

/** Answers an error of any kind; what is our own fault is logged and hidden. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toApiProblem(error)
  if (problem.status >= 500) request.log.error({ err: error, url: request.url }, 'request failed')
  const { headers = {}, ...rest } = problem.extras
  const isOurs = problem.status >= 500 && problem.status !== 503
  const body: Problem = {
    type: `urn:derrick:problem:${problem.code}`,
    title: titles[problem.status] ?? 'Error',
    status: problem.status,
    detail: isOurs ? 'something went wrong inside Derrick; its log says what' : problem.message,
    code: problem.code,
    ...(error instanceof DerrickError ? { category: error.failure.category } : {}),
    ...(isOurs ? {} : rest),
  }
  reply.code(problem.status).headers(headers).type('application/problem+json').send(body)
}

function toApiProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  if (error instanceof DerrickError) return fromFailure(error.failure)
  const known = error as Partial<FastifyError> | null
  if (known?.validation) return fromValidation(known as FastifyError)
  const status = known?.statusCode ?? 500
  if (status >= 500) return new ApiProblem(500, 'internal', 'internal error')
  return new ApiProblem(
    status,
    fastifyCodes[known?.code ?? ''] ?? 'request.invalid',
    String(known?.message),
  )
}

const fastifyCodes: Record<string, string> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.not_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'request.invalid_json',
}

/** Failures of the engine: their code tells whether the caller or the state is to blame. */
function fromFailure({ code, message, remedy }: Failure): ApiProblem {
  const extras = remedy ? { remedy } : {}
  if (code.endsWith('.not_found')) return new ApiProblem(404, code, message, extras)
  if (code === 'server.stopping') return new ApiProblem(503, code, message, extras)
  if (/^(stream|run|range|secret|connector)\./.test(code)) {
    return new ApiProblem(409, code, message, extras)
  }
  return new ApiProblem(500, code, message, extras)
}

function fromValidation(error: FastifyError): ApiProblem {
  const errors = fieldErrorsOf(error.validation as unknown as TLocalizedValidationError[])
  if (error.validationContext === 'params') {
    return new ApiProblem(404, 'not_found', 'there is no such thing')
  }
  const isQuery = error.validationContext === 'querystring'
  return unprocessable(isQuery ? 'query.invalid' : 'body.invalid', errors)
}

/** One error a field, whatever the number of keywords that found it. */
export function fieldErrorsOf(found: TLocalizedValidationError[], prefix = ''): FieldError[] {
  const byPointer = new Map<string, FieldError>()
  for (const one of found) {
    for (const { pointer, detail } of fieldErrors(one, found)) {
      const known = byPointer.get(pointer)
      if (!known) byPointer.set(pointer, { pointer: `${prefix}${pointer}`, detail })
      else if (!known.detail.includes(detail)) known.detail += `, or ${detail}`
    }
  }
  return [...byPointer.values()]
}

function fieldErrors(
  error: TLocalizedValidationError,
  all: TLocalizedValidationError[],
): FieldError[] {
  const at = error.instancePath
  switch (error.keyword) {
    case 'required':
      return (error.params as { requiredProperties: string[] }).requiredProperties.map((name) => ({
        pointer: `${at}/${name}`,
        detail: 'is required',
      }))
    case 'boolean': // a property below `additionalProperties: false`; the next case names it
      return []
    case 'additionalProperties':
      return (error.params as { additionalProperties: string[] }).additionalProperties.map(
        (name) => ({
          pointer: `${at}/${name}`,
          detail: 'is not a known field',
        }),
      )
    case 'anyOf':
      return all.some((other) => other !== error && other.instancePath.startsWith(at))
        ? []
        : [{ pointer: at, detail: error.message }]
    case 'const':
      return [
        {
          pointer: at,
          detail: `must be ${JSON.stringify((error.params as { allowedValue: unknown }).allowedValue)}`,
        },
      ]
    case 'enum':
      return [
        {
          pointer: at,
          detail: `must be one of ${(error.params as { allowedValues: unknown[] }).allowedValues.join(', ')}`,
        },
      ]
    default:
      return [{ pointer: at, detail: error.message }]
  }
}
