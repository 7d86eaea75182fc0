import { cronText } from '../cron.ts'
import { moment } from '../format.ts'
import { now } from '../store/store.ts'
import { FieldBox } from '../ui/field-box.tsx'
import { nextRun } from './next-run.ts'

interface ScheduleProps {
  /** cron; empty: only by hand */
  schedule: string
  zone: string
  scheduleError: string | undefined
  zoneError: string | undefined
  onSchedule: (cron: string) => void
  onZone: (zone: string) => void
}

/** When a stream is read by itself, with the next time that gives. */
export function ScheduleFields(props: ScheduleProps) {
  const planned = () => {
    const cron = props.schedule.trim()
    if (!cron) return 'Empty: only by hand.'
    const next = nextRun(cron, props.zone.trim(), now())
    return next === undefined ? cronText(cron) : `${cronText(cron)}; next ${moment(next)} UTC`
  }
  return (
    <>
      <FieldBox id="cron" title="Schedule" help={planned()} error={props.scheduleError}>
        <input
          id="cron"
          class="mono"
          spellcheck={false}
          placeholder="*/15 * * * *"
          value={props.schedule}
          onInput={(event) => props.onSchedule(event.currentTarget.value)}
        />
      </FieldBox>
      <FieldBox id="zone" title="Zone of the schedule" error={props.zoneError}>
        <input
          id="zone"
          value={props.zone}
          onInput={(event) => props.onZone(event.currentTarget.value)}
        />
      </FieldBox>
    </>
  )
}
