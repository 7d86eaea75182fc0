import { createSignal, Show } from 'solid-js'
import type { Stream } from '../../schema/stream.ts'
import { api, listWhole } from '../api.ts'
import { createForm } from '../form/form.ts'
import { createLoad } from '../load.ts'
import { change, world } from '../store/store.ts'
import { put } from '../store/world.ts'
import { ColumnsField, createColumns } from '../stream/columns-field.tsx'
import { lookbackOf, revisitOf } from '../stream/revisit.ts'
import { RevisitField } from '../stream/revisit-field.tsx'
import { ScheduleFields } from '../stream/schedule-fields.tsx'
import { Button } from '../ui/button.tsx'
import { Drawer } from '../ui/dialog.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { FieldBox } from '../ui/field-box.tsx'
import { toast } from '../ui/toast.ts'
import { StrategySelect } from './choices.tsx'
import { newestFirstOff, type OfferedStream } from './offered.ts'

/** A stream's settings that can be changed without reading everything again. */
export function StreamForm(props: { stream: Stream; onClose: () => void }) {
  const form = createForm()
  const { stream } = props
  const [strategy, setStrategy] = createSignal(stream.sync_strategy)
  const [schedule, setSchedule] = createSignal(stream.schedule ?? '')
  const [zone, setZone] = createSignal(stream.schedule_timezone)
  const [minutes, setMinutes] = createSignal(stream.max_run_minutes?.toString() ?? '')
  const [revisit, setRevisit] = createSignal(revisitOf(stream.lookback))
  const columns = createColumns(stream)
  const sourceId = () => world.connections[stream.connection_id]?.source_id
  const offered = createLoad(sourceId, (id) =>
    listWhole<OfferedStream>(`/sources/${id}/streams`).catch(() => []),
  )
  const off = () =>
    newestFirstOff(offered.data()?.find((candidate) => candidate.name === stream.source_stream))
  const save = () =>
    form.during('save', async () => {
      const saved = await api.patch<Stream>(`/streams/${stream.id}`, {
        sync_strategy: strategy(),
        schedule: schedule().trim() || null,
        schedule_timezone: zone().trim(),
        lookback: lookbackOf(revisit()),
        max_run_minutes: minutes().trim() ? Number(minutes()) : null,
        ...columns.patch(),
      })
      change((draft) => void put(draft.streams, saved))
      toast({ text: `${saved.name} is saved.`, good: true })
      props.onClose()
    })
  return (
    <Drawer title={`Stream ${stream.name}`} onClose={props.onClose}>
      <form
        class="stack"
        novalidate
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <FieldBox
          id="strategy"
          title="Order"
          help={off() ? `Newest first is off: ${off()}.` : 'Newest first has today’s data at once.'}
          error={form.errorOf('sync_strategy')}
        >
          <StrategySelect
            id="strategy"
            label="Order"
            value={strategy()}
            off={off()}
            onChange={setStrategy}
          />
        </FieldBox>
        <ScheduleFields
          schedule={schedule()}
          zone={zone()}
          scheduleError={form.errorOf('schedule')}
          zoneError={form.errorOf('schedule_timezone')}
          onSchedule={setSchedule}
          onZone={setZone}
        />
        <FieldBox
          id="minutes"
          title="Longest run, minutes"
          help="A run that takes longer is ended; the next one goes on where it stopped. Empty: no end."
          error={form.errorOf('max_run_minutes')}
        >
          <input
            id="minutes"
            type="number"
            min="1"
            max="525600"
            value={minutes()}
            onInput={(event) => setMinutes(event.currentTarget.value)}
          />
        </FieldBox>
        <RevisitField value={revisit()} error={form.errorOf('lookback')} onChange={setRevisit} />
        <ColumnsField columns={columns} error={form.errorOf('columns')} />
        <Show when={form.problem()}>
          {(problem) => <ErrorState title="It was refused" problem={problem()} />}
        </Show>
        <div class="row row-end">
          <Button onClick={props.onClose}>Close</Button>
          <Button
            kind="primary"
            type="submit"
            busy={form.busy() !== undefined}
            off={columns.error() && 'A type of a column is not right.'}
          >
            Save
          </Button>
        </div>
      </form>
    </Drawer>
  )
}
