import Type from 'typebox'
import type { IdPrefix } from './id.ts'

/** TypeBox string for an id with this prefix. */
export const IdOf = (prefix: IdPrefix) => Type.String({ pattern: `^${prefix}_[0-9a-z]{1,26}$` })
