import { createSignal } from 'solid-js'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

/** The same name as in `public/theme.js`, which applies the choice before the first paint. */
const storageKey = 'derrick.theme'

function stored(): Theme {
  try {
    const value = localStorage.getItem(storageKey)
    return themes.find((theme) => theme === value) ?? 'system'
  } catch {
    return 'system'
  }
}

const [theme, setThemeSignal] = createSignal<Theme>(stored())

export { theme }

export function setTheme(next: Theme): void {
  setThemeSignal(next)
  if (next === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = next
  try {
    localStorage.setItem(storageKey, next)
  } catch {
    // without storage the choice holds until the page is left
  }
}
