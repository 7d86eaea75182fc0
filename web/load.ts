import { createEffect, createSignal, on, onCleanup, untrack } from 'solid-js'
import { type Problem, problemOf } from './problem.ts'

/** Something read from the API: what is known, what went wrong, whether it is being read. */
export interface Load<T> {
  /** what was read last; stays while it is read anew for the same key */
  data: () => T | undefined
  problem: () => Problem | undefined
  loading: () => boolean
  /** reads again */
  again: () => void
  /** takes over a newer state that came another way */
  set: (value: T) => void
}

/**
 * Reads by a key that may change; undefined reads nothing. Unlike Solid's resources it never
 * suspends: a drawer that loads must not take away the page (and the focus) behind it.
 */
export function createLoad<K, T>(key: () => K | undefined, read: (key: K) => Promise<T>): Load<T> {
  const [data, setData] = createSignal<T>()
  const [problem, setProblem] = createSignal<Problem>()
  const [loading, setLoading] = createSignal(false)
  let turn = 0
  const start = (asked: K | undefined) => {
    const mine = ++turn
    if (asked === undefined) {
      setLoading(false)
      return
    }
    setLoading(true)
    setProblem(undefined)
    // An answer that was overtaken by another key, or that nobody waits for any more, is dropped.
    read(asked).then(
      (value) => {
        if (mine !== turn) return
        setData(() => value)
        setLoading(false)
      },
      (error: unknown) => {
        if (mine !== turn) return
        setProblem(problemOf(error))
        setLoading(false)
      },
    )
  }
  createEffect(
    on(key, (asked, before) => {
      if (before !== undefined && asked !== before) setData(undefined)
      start(asked)
    }),
  )
  onCleanup(() => {
    turn += 1
  })
  return {
    data,
    problem,
    loading,
    again: () => start(untrack(key)),
    set: (value) => {
      setData(() => value)
    },
  }
}
