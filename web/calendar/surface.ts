import { gridOf, type Layout, layoutOf } from './layout.ts'
import type { CalendarModel } from './model.ts'
import { type Palette, paintAll, paintCell, readPalette } from './paint.ts'

/** Above this many changes in one frame, everything anew is the cheaper way. */
const patchLimit = 4_000

/**
 * A calendar on a canvas: follows the model's changes, the element's width and the page's theme.
 * Only cells that changed are drawn, once a frame however many events came.
 */
export class CalendarSurface {
  readonly #canvas: HTMLCanvasElement
  readonly #model: CalendarModel
  readonly #grid
  readonly #onLayout: (layout: Layout) => void
  readonly #changed = new Set<number>()
  readonly #ends: (() => void)[] = []
  #layout: Layout
  #palette: Palette
  #frame = 0
  #all = true

  constructor(canvas: HTMLCanvasElement, model: CalendarModel, onLayout: (layout: Layout) => void) {
    this.#canvas = canvas
    this.#model = model
    this.#onLayout = onLayout
    this.#grid = gridOf(model)
    this.#palette = readPalette(canvas)
    this.#layout = layoutOf(this.#grid, 0)
    this.#watch()
  }

  end(): void {
    cancelAnimationFrame(this.#frame)
    for (const end of this.#ends) end()
  }

  #watch(): void {
    this.#ends.push(
      this.#model.onChange((index) => {
        this.#changed.add(index)
        this.#schedule()
      }),
    )
    const resized = new ResizeObserver(() => this.#resize())
    resized.observe(this.#canvas.parentElement as HTMLElement)
    const themed = new MutationObserver(() => this.#recolour())
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const system = matchMedia('(prefers-color-scheme: dark)')
    const recolour = () => this.#recolour()
    system.addEventListener('change', recolour)
    this.#ends.push(
      () => resized.disconnect(),
      () => themed.disconnect(),
      () => system.removeEventListener('change', recolour),
    )
  }

  #recolour(): void {
    this.#palette = readPalette(this.#canvas)
    this.#all = true
    this.#schedule()
  }

  #resize(): void {
    const width = this.#canvas.parentElement?.clientWidth ?? 0
    if (width === this.#layout.width || width === 0) return
    this.#layout = layoutOf(this.#grid, width)
    this.#onLayout(this.#layout)
    this.#all = true
    this.#schedule()
  }

  #schedule(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0
      this.#paint()
    })
  }

  #paint(): void {
    const context = this.#canvas.getContext('2d')
    if (!context || this.#layout.width === 0) return
    if (this.#all || this.#changed.size > patchLimit) {
      this.#fit(context)
      paintAll(context, this.#model, this.#layout, this.#palette)
    } else {
      for (const index of this.#changed) {
        paintCell(context, this.#model, this.#layout, this.#palette, index)
      }
    }
    this.#all = false
    this.#changed.clear()
  }

  #fit(context: CanvasRenderingContext2D): void {
    const ratio = Math.min(2, devicePixelRatio || 1)
    const { width, height } = this.#layout
    this.#canvas.width = Math.round(width * ratio)
    this.#canvas.height = Math.round(height * ratio)
    this.#canvas.style.width = `${width}px`
    this.#canvas.style.height = `${height}px`
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
  }
}
