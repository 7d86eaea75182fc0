import { createSignal } from 'solid-js'
import type { Problem } from '../problem.ts'

export interface Toast {
  id: number
  text: string
  detail?: string
  good?: boolean
  bad?: boolean
}

const [toasts, setToasts] = createSignal<Toast[]>([])

export { toasts }

const maxToasts = 4
const lifeMs = 5_000
/** Bad news stays until it was read. */
const badLifeMs = 15_000
let nextId = 1

export function toast(message: Omit<Toast, 'id'>): void {
  const id = nextId++
  setToasts((all) => [...all, { ...message, id }].slice(-maxToasts))
  setTimeout(() => dismiss(id), message.bad ? badLifeMs : lifeMs)
}

export function toastProblem(text: string, problem: Problem): void {
  const detail = [problem.message, problem.remedy].filter(Boolean).join(' ')
  toast({ text, detail, bad: true })
}

export const dismiss = (id: number): void => {
  setToasts((all) => all.filter((entry) => entry.id !== id))
}
