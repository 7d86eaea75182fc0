import { letterMeanings } from '../state.ts'
import type { CalendarModel } from './model.ts'
import { localDay, zoneOffsets } from './zone.ts'

/** Where each range is in the grid, before it is cut into bands: column and row. */
export interface Grid {
  columns: Uint32Array
  rows: Uint8Array
  columnCount: number
  rowCount: number
  /** columns at which a month begins, with its name (and year in January and at the start) */
  months: { column: number; label: string }[]
  /** letters beside the rows, by row */
  rowLabels: { row: number; label: string }[]
  /** ranges by column and row, for pointing; -1 where there is none */
  at: (column: number, row: number) => number
}

const monthNames = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
]
const hoursOfLongestDay = 25

/** Days become weeks × weekday (from Monday), hours become days × hour of the day. */
export function gridOf(model: CalendarModel): Grid {
  const hourly = model.granularity === 'hour'
  const columns = new Uint32Array(model.length)
  const rows = new Uint8Array(model.length)
  const offsetOf = zoneOffsets(model.zone)
  const days = new Float64Array(model.length)
  let dayStart = 0
  let previousDay = Number.NaN
  for (let i = 0; i < model.length; i++) {
    const start = model.starts[i] as number
    const { day, secondOfDay } = localDay(start, offsetOf)
    days[i] = day
    if (day !== previousDay) {
      dayStart = start - secondOfDay
      previousDay = day
    }
    // Hours are counted from the day's start: a day of 25 hours has 25 rows, not one row twice.
    if (hourly) rows[i] = Math.min(hoursOfLongestDay - 1, Math.floor((start - dayStart) / 3_600))
  }
  const first = days[0] ?? 0
  const origin = hourly ? first : first - weekday(first)
  for (let i = 0; i < model.length; i++) {
    const offset = (days[i] as number) - origin
    columns[i] = hourly ? offset : Math.floor(offset / 7)
    if (!hourly) rows[i] = offset % 7
  }
  const rowCount = hourly ? Math.max(24, 1 + rows.reduce((max, row) => Math.max(max, row), 0)) : 7
  const columnCount = model.length === 0 ? 0 : (columns[model.length - 1] as number) + 1
  return {
    columns,
    rows,
    columnCount,
    rowCount,
    months: monthsOf(origin, columnCount, hourly ? 1 : 7),
    rowLabels: hourly ? hourLabels : weekdayLabels,
    at: finder(columns, rows, rowCount),
  }
}

const weekdayLabels = [
  { row: 0, label: 'Mon' },
  { row: 2, label: 'Wed' },
  { row: 4, label: 'Fri' },
]
const hourLabels = [0, 6, 12, 18].map((row) => ({ row, label: `${String(row).padStart(2, '0')}h` }))

/** 0 is Monday; day 0 of the epoch was a Thursday. */
const weekday = (day: number): number => (((day + 3) % 7) + 7) % 7

function monthsOf(origin: number, columnCount: number, daysPerColumn: number): Grid['months'] {
  const months: Grid['months'] = []
  let previous = -1
  for (let column = 0; column < columnCount; column++) {
    // A week belongs to the month of its Sunday, so that the first of a month is under its name.
    const date = new Date((origin + column * daysPerColumn + daysPerColumn - 1) * 86_400_000)
    const month = date.getUTCMonth()
    if (month === previous) continue
    const withYear = month === 0 || months.length === 0
    const name = monthNames[month] as string
    months.push({ column, label: withYear ? `${name} ${date.getUTCFullYear()}` : name })
    previous = month
  }
  return months
}

function finder(columns: Uint32Array, rows: Uint8Array, rowCount: number): Grid['at'] {
  const index = new Map<number, number>()
  for (let i = 0; i < columns.length; i++) {
    index.set((columns[i] as number) * rowCount + (rows[i] as number), i)
  }
  return (column, row) => index.get(column * rowCount + row) ?? -1
}

/** The grid wrapped like text into bands that fit a width, in CSS pixels. */
export interface Layout {
  grid: Grid
  /** distance from one cell to the next */
  pitch: number
  /** side of a cell's square */
  cell: number
  columnsPerBand: number
  bands: number
  bandHeight: number
  width: number
  height: number
  position: (index: number) => { x: number; y: number }
  hit: (x: number, y: number) => number
}

export const gutterWidth = 34
export const labelHeight = 18
const bandGap = 10
/** Rough width of a letter of the labels. */
const labelLetterWidth = 6.5
/** A calendar higher than this gets smaller cells, as long as they can still be pointed at. */
const wantedHeight = 420
const dayPitches = [18, 16, 14, 12, 10]
const hourPitches = [14, 12, 10, 8, 7, 6, 5]

export function layoutOf(grid: Grid, width: number): Layout {
  const pitches = grid.rowCount === 7 ? dayPitches : hourPitches
  const usable = Math.max(60, width - gutterWidth)
  const fits = (pitch: number) => measure(grid, usable, pitch).height <= wantedHeight
  const pitch = pitches.find(fits) ?? (pitches.at(-1) as number)
  const { columnsPerBand, bands, bandHeight, height } = measure(grid, usable, pitch)
  const cell = pitch >= 8 ? pitch - 2 : pitch - 1
  return {
    grid,
    pitch,
    cell,
    columnsPerBand,
    bands,
    bandHeight,
    width,
    height,
    position: (index) => {
      const column = grid.columns[index] as number
      const band = Math.floor(column / columnsPerBand)
      return {
        x: gutterWidth + (column - band * columnsPerBand) * pitch,
        y: band * bandHeight + labelHeight + (grid.rows[index] as number) * pitch,
      }
    },
    hit: (x, y) => {
      const band = Math.floor(y / bandHeight)
      const column = Math.floor((x - gutterWidth) / pitch)
      const row = Math.floor((y - band * bandHeight - labelHeight) / pitch)
      if (column < 0 || column >= columnsPerBand || row < 0 || row >= grid.rowCount) return -1
      return grid.at(band * columnsPerBand + column, row)
    },
  }
}

function measure(grid: Grid, usable: number, pitch: number) {
  const columnsPerBand = Math.max(1, Math.floor(usable / pitch))
  const bands = Math.max(1, Math.ceil(grid.columnCount / columnsPerBand))
  const bandHeight = labelHeight + grid.rowCount * pitch + bandGap
  return { columnsPerBand, bands, bandHeight, height: bands * bandHeight }
}

/** Month names of one band, left to right, without those that would run into the next. */
export function bandMonths(layout: Layout, band: number): { x: number; label: string }[] {
  const from = band * layout.columnsPerBand
  const to = from + layout.columnsPerBand
  const placed: { x: number; label: string }[] = []
  let free = 0
  for (const { column, label } of layout.grid.months) {
    if (column < from || column >= to) continue
    const x = gutterWidth + (column - from) * layout.pitch
    const end = x + label.length * labelLetterWidth
    if (x < free || end > layout.width) continue
    placed.push({ x, label })
    free = end + 8
  }
  return placed
}

/** The next range that failed or whose refresh did, from the start again after the end. */
function nextTrouble(model: CalendarModel, from: number): number {
  for (let step = 1; step <= model.length; step++) {
    const index = (from + step) % model.length
    const { state } = letterMeanings[model.letter(index)]
    if (state === 'failed' || state === 'waiting') return index
  }
  return from
}

/** The range that a key leads to (arrows, Home, End, n for the next failure); the same one at an edge. */
export function moved(model: CalendarModel, grid: Grid, from: number, key: string): number {
  const last = model.length - 1
  if (key === 'Home') return 0
  if (key === 'End') return last
  if (key === 'n') return nextTrouble(model, from)
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key]
  if (!step) return from
  if (step[1] !== 0) return Math.min(last, Math.max(0, from + (step[1] as number)))
  const column = (grid.columns[from] as number) + (step[0] as number)
  const found = grid.at(column, grid.rows[from] as number)
  if (found >= 0) return found
  return (step[0] as number) < 0 ? 0 : last
}
