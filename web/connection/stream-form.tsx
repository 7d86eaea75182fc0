import { createSignal, Show } from 'solid-js'
import type { Stream } from '../../schema/stream.ts'
import { api, listWhole } from '../api.ts'
import { cronText } from '../cron.ts'
import { createForm } from '../form/form.ts'
import { moment } from '../format.ts'
import { createLoad } from '../load.ts'
import { change, now, world } from '../store/store.ts'
import { put } from '../store/world.ts'
import { ColumnsField, createColumns } from '../stream/columns-field.tsx'
import { nextRun } from '../stream/next-run.ts'
import { lookbackOf, revisitOf } from '../stream/revisit.ts'
import { RevisitField } from '../stream/revisit-field.tsx'
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
        ...columns.patch(),
      })
      change((draft) => {
        put(draft.streams, saved)
      })
      toast({ text: `${saved.name} is saved.`, good: true })
      props.onClose()
    })
  const planned = () => {
    if (!schedule().trim()) return 'Empty: only by hand.'
    const next = nextRun(schedule().trim(), zone().trim(), now())
    return next === undefined
      ? cronText(schedule())
      : `${cronText(schedule())}; next ${moment(next)} UTC`
  }
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
        <FieldBox id="cron" title="Schedule" help={planned()} error={form.errorOf('schedule')}>
          <input
            id="cron"
            class="mono"
            spellcheck={false}
            placeholder="*/15 * * * *"
            value={schedule()}
            onInput={(event) => setSchedule(event.currentTarget.value)}
          />
        </FieldBox>
        <FieldBox id="zone" title="Zone of the schedule" error={form.errorOf('schedule_timezone')}>
          <input id="zone" value={zone()} onInput={(event) => setZone(event.currentTarget.value)} />
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
