import { type Role, roles } from '../../schema/api-key.ts'
import { session } from './store.ts'

/** Roles from the one that may do everything to the one that may only look. */
const rank = (role: Role): number => roles.indexOf(role)

/** Why somebody with this role may not do what needs another; undefined when they may. */
export function roleOff(role: Role | undefined, needed: Role): string | undefined {
  if (role !== undefined && rank(role) <= rank(needed)) return undefined
  return `It needs the role ${needed}; you are signed in as ${role ?? 'nobody'}.`
}

/** The same for whoever is signed in: buttons say why they are off instead of failing when pressed. */
export const notAllowed = (needed: Role): string | undefined => roleOff(session()?.role, needed)
