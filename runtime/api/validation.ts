import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { Convert } from 'typebox/value'

/** All bad fields are named at once; a hostile body still can't make the answer endless. */
Settings.Set({ maxErrors: 100 })

/**
 * Checks bodies as they are and query strings, which are all text, after turning them into numbers and
 * booleans. Nothing is removed or filled in: unknown fields are refused where the schema is closed.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  // Compiled with the first request that needs it: most routes of a start are never called.
  let compiled: ReturnType<typeof Compile<TSchema>> | undefined
  const isText = httpPart === 'querystring' || httpPart === 'params'
  return (data: unknown) => {
    compiled ??= Compile(schema)
    // An action's POST may come without a body.
    const given = data ?? {}
    const value = isText ? Convert(schema, given) : given
    if (compiled.Check(value)) return { value }
    const errors = compiled.Errors(value)
    return { error: Object.assign(new Error('invalid'), { validation: errors }) }
  }
}
