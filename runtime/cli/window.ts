/** The window that flags name, as the API takes it. A plain date means its first instant in UTC. */
export const windowOf = ({ from, to }: { from?: string; to?: string }): Record<string, string> => ({
  ...(from === undefined ? {} : { from: instant(from) }),
  ...(to === undefined ? {} : { to: instant(to) }),
})

const instant = (text: string): string =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text
