import sea from 'node:sea'
import { makeBoot } from './boot.ts'

/** The build appends a call of the first to the executable's main script; threads call the second. */
export const { startMain, startThread } = makeBoot(sea)
