/** The items of an answer as paging looks at them. */
export interface PageItems {
  count: number
  first: () => unknown
  last: () => unknown
}

export const itemsOf = (items: readonly unknown[]): PageItems => ({
  count: items.length,
  first: () => items[0],
  last: () => items.at(-1),
})
