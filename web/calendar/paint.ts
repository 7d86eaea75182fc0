import type { CalendarLetter } from '../../schema/range.ts'
import { letterMeanings } from '../state.ts'
import { bandMonths, gutterWidth, type Layout, labelHeight } from './layout.ts'
import type { CalendarModel } from './model.ts'

/** Colours of the page's theme; a canvas can't follow custom properties by itself. */
export interface Palette {
  letters: Record<CalendarLetter, string>
  failed: string
  waiting: string
  mark: string
  markDark: string
  pendingMark: string
  text: string
  surface: string
  font: string
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const letters = {} as Record<CalendarLetter, string>
  for (const [letter, meaning] of Object.entries(letterMeanings)) {
    letters[letter as CalendarLetter] = color(meaning.color)
  }
  return {
    letters,
    failed: color('--state-failed'),
    waiting: color('--state-waiting'),
    mark: color('--cell-mark'),
    markDark: color('--cell-mark-dark'),
    pendingMark: color('--state-pending-mark'),
    text: color('--muted'),
    surface: color('--surface'),
    font: style.fontFamily,
  }
}

/** Below this side a glyph inside a cell is only dirt; colour, legend and readout carry the state. */
const glyphCell = 9

/** Draws everything: labels and all cells. */
export function paintAll(
  context: CanvasRenderingContext2D,
  model: CalendarModel,
  layout: Layout,
  palette: Palette,
): void {
  context.clearRect(0, 0, layout.width, layout.height)
  paintLabels(context, layout, palette)
  for (let i = 0; i < model.length; i++) paintCell(context, model, layout, palette, i)
}

/** Draws one cell over what was there. */
export function paintCell(
  context: CanvasRenderingContext2D,
  model: CalendarModel,
  layout: Layout,
  palette: Palette,
  index: number,
): void {
  const { x, y } = layout.position(index)
  const { cell } = layout
  const letter = model.letter(index)
  context.clearRect(x, y, cell, cell)
  context.fillStyle = palette.letters[letter]
  context.fillRect(x, y, cell, cell)
  if (letter === 'x') cornerMark(context, x, y, cell, palette.failed)
  if (letter === 'o') ringMark(context, x, y, cell, palette.letters.c)
  if (cell < glyphCell) {
    // Too small for a glyph: failures still differ by shape, not by colour alone.
    if (letter === 'f') diagonal(context, x, y, cell, palette.surface)
    return
  }
  paintGlyph(context, letter, x, y, cell, palette)
}

function paintGlyph(
  context: CanvasRenderingContext2D,
  letter: CalendarLetter,
  x: number,
  y: number,
  cell: number,
  palette: Palette,
): void {
  const middle = cell / 2
  const inset = cell * 0.28
  context.lineWidth = Math.max(1.5, cell / 8)
  context.beginPath()
  switch (letter) {
    case 'f':
      context.strokeStyle = palette.mark
      context.moveTo(x + inset, y + inset)
      context.lineTo(x + cell - inset, y + cell - inset)
      context.moveTo(x + cell - inset, y + inset)
      context.lineTo(x + inset, y + cell - inset)
      context.stroke()
      return
    case 'w':
      context.strokeStyle = palette.mark
      context.moveTo(x + middle, y + inset)
      context.lineTo(x + middle, y + middle)
      context.lineTo(x + cell - inset, y + middle)
      context.stroke()
      return
    case 'r':
      context.fillStyle = '#16202e'
      context.moveTo(x + inset, y + inset * 0.8)
      context.lineTo(x + cell - inset * 0.8, y + middle)
      context.lineTo(x + inset, y + cell - inset * 0.8)
      context.fill()
      return
    case 'p':
      context.fillStyle = palette.pendingMark
      context.arc(x + middle, y + middle, Math.max(0.8, cell / 12), 0, 2 * Math.PI)
      context.fill()
      return
    default:
  }
}

function cornerMark(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  cell: number,
  color: string,
): void {
  context.fillStyle = color
  context.beginPath()
  context.moveTo(x + cell, y)
  context.lineTo(x + cell, y + cell)
  context.lineTo(x, y + cell)
  context.fill()
}

function ringMark(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  cell: number,
  color: string,
): void {
  context.strokeStyle = color
  context.lineWidth = 1.5
  context.strokeRect(x + 0.75, y + 0.75, cell - 1.5, cell - 1.5)
}

function diagonal(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  cell: number,
  color: string,
): void {
  context.strokeStyle = color
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(x, y + cell)
  context.lineTo(x + cell, y)
  context.stroke()
}

function paintLabels(context: CanvasRenderingContext2D, layout: Layout, palette: Palette): void {
  context.fillStyle = palette.text
  context.font = `11px ${palette.font}`
  for (let band = 0; band < layout.bands; band++) {
    const top = band * layout.bandHeight
    context.textBaseline = 'alphabetic'
    for (const { x, label } of bandMonths(layout, band)) {
      context.fillText(label, x, top + labelHeight - 5)
    }
    context.textBaseline = 'middle'
    for (const { row, label } of layout.grid.rowLabels) {
      const y = top + labelHeight + row * layout.pitch + layout.cell / 2
      context.fillText(label, 0, y, gutterWidth - 6)
    }
  }
}
