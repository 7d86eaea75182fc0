import { createEffect, onCleanup, onMount } from 'solid-js'
import type { CalendarModel } from '../calendar/model.ts'
import { readPalette } from '../calendar/paint.ts'
import { stripLetters } from '../calendar/strip.ts'
import { patches } from '../store/calendars.ts'
import { theme } from '../theme.ts'

const height = 12

/** All of a stream's time in one line, oldest left: progress that shows where, not only how much. */
export function Strip(props: { model: CalendarModel | undefined; label: string }) {
  let canvas!: HTMLCanvasElement
  const draw = () => {
    const width = canvas.clientWidth
    const context = canvas.getContext('2d')
    if (!context || width === 0) return
    const ratio = Math.min(2, devicePixelRatio || 1)
    canvas.width = Math.round(width * ratio)
    canvas.height = height * ratio
    context.scale(ratio, ratio)
    const palette = readPalette(canvas)
    context.fillStyle = palette.letters.p
    context.fillRect(0, 0, width, height)
    if (!props.model) return
    const letters = stripLetters(props.model, Math.min(props.model.length, Math.floor(width)))
    const step = width / letters.length
    for (const [i, letter] of letters.entries()) {
      context.fillStyle = letter === 'x' ? palette.failed : palette.letters[letter]
      // Trouble is also taller than the rest, so that it is found without colour.
      const full = letter === 'f' || letter === 'w' || letter === 'x'
      const top = full ? 0 : 2
      // Whole pixels: fractions would show as seams between ranges.
      const x = Math.round(i * step)
      const wide = Math.round((i + 1) * step) - x
      context.clearRect(x, 0, wide, height)
      context.fillRect(x, top, wide, height - 2 * top)
    }
  }
  createEffect(() => {
    patches()
    theme()
    props.model
    draw()
  })
  onMount(() => {
    const resized = new ResizeObserver(draw)
    resized.observe(canvas)
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', draw)
    onCleanup(() => {
      resized.disconnect()
      system.removeEventListener('change', draw)
    })
  })
  return <canvas ref={canvas} class="strip" role="img" aria-label={props.label} />
}
