import { For, Show } from 'solid-js'
import type { Granularity, SyncStrategy } from '../../schema/stream.ts'
import { FieldBox } from '../ui/field-box.tsx'
import { newestFirstOff, type OfferedStream, type StreamChoice, schedules } from './offered.ts'

interface ChoicesProps {
  offered: readonly OfferedStream[]
  choices: readonly StreamChoice[]
  onChange: (name: string, change: Partial<StreamChoice>) => void
}

/** The streams that a source offers, each with what it can do; chosen by a tick. */
export function StreamChoices(props: ChoicesProps) {
  const offered = (name: string) => props.offered.find((stream) => stream.name === name)
  return (
    <fieldset class="stack">
      <legend class="row row-between">
        <strong>Streams</strong>
      </legend>
      <ul class="choices">
        <For
          each={props.choices}
          fallback={
            <li class="muted">Every stream of this source is in the connection already.</li>
          }
        >
          {(choice) => (
            <li class="choice">
              <input
                type="checkbox"
                id={`choose-${choice.name}`}
                checked={choice.chosen}
                onChange={(event) =>
                  props.onChange(choice.name, { chosen: event.currentTarget.checked })
                }
              />
              <div class="row row-between">
                <label for={`choose-${choice.name}`}>
                  <strong>{offered(choice.name)?.title ?? choice.name}</strong>{' '}
                  <span class="quiet">
                    {offered(choice.name)?.primary_key?.length
                      ? `key ${offered(choice.name)?.primary_key?.join(', ')}`
                      : 'no primary key'}
                  </span>
                </label>
                <StrategySelect
                  label={`Order of ${choice.name}`}
                  value={choice.strategy}
                  off={newestFirstOff(offered(choice.name))}
                  onChange={(strategy) => props.onChange(choice.name, { strategy })}
                />
              </div>
              <Show when={newestFirstOff(offered(choice.name))}>
                {(reason) => <p class="under quiet">Newest first is off: {reason()}.</p>}
              </Show>
              <For each={offered(choice.name)?.warnings ?? []}>
                {(warning) => <p class="under quiet">⚠ {warning}</p>}
              </For>
            </li>
          )}
        </For>
      </ul>
    </fieldset>
  )
}

/** Order of reading; newest first is disabled where the API can't do it. */
export function StrategySelect(props: {
  id?: string
  label: string
  value: SyncStrategy
  off: string | undefined
  onChange: (value: SyncStrategy) => void
}) {
  return (
    <select
      id={props.id}
      class="narrow"
      aria-label={props.label}
      title={props.off}
      onChange={(event) => props.onChange(event.currentTarget.value as SyncStrategy)}
    >
      <option
        value="newest_first"
        disabled={props.off !== undefined}
        selected={props.value === 'newest_first'}
      >
        newest first
      </option>
      <option value="oldest_first" selected={props.value === 'oldest_first'}>
        oldest first
      </option>
    </select>
  )
}

/** Size of a range and schedule for all chosen streams; each can be changed later. */
export function StreamDefaults(props: {
  granularity: Granularity
  schedule: string
  onGranularity: (value: Granularity) => void
  onSchedule: (value: string) => void
}) {
  return (
    <div class="pair">
      <FieldBox
        id="granularity"
        title="One range is"
        help="Smaller ranges: finer retries, more requests."
      >
        <select
          id="granularity"
          onChange={(event) => props.onGranularity(event.currentTarget.value as Granularity)}
        >
          <option value="day" selected={props.granularity === 'day'}>
            a day
          </option>
          <option value="hour" selected={props.granularity === 'hour'}>
            an hour
          </option>
        </select>
      </FieldBox>
      <FieldBox
        id="schedule"
        title="Sync"
        help="By cron, in UTC; any expression in a stream’s settings."
      >
        <select id="schedule" onChange={(event) => props.onSchedule(event.currentTarget.value)}>
          <For each={schedules}>
            {(entry) => (
              <option value={entry.value} selected={entry.value === props.schedule}>
                {entry.label}
              </option>
            )}
          </For>
        </select>
      </FieldBox>
    </div>
  )
}
