/** What scripts can rely on. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  partly: 3,
  unreachable: 4,
  interrupted: 130,
} as const
