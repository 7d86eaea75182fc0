import { createSignal, For, Show } from 'solid-js'
import { type ApiKey, type Role, roles } from '../../schema/api-key.ts'
import type { Settings as SettingsShape } from '../../schema/settings.ts'
import { api, listAll } from '../api.ts'
import { createForm } from '../form/form.ts'
import { ago, moment } from '../format.ts'
import { createLoad } from '../load.ts'
import { notAllowed } from '../store/role.ts'
import { now, session, world } from '../store/store.ts'
import { setTheme, theme, themes } from '../theme.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { FieldBox } from '../ui/field-box.tsx'
import { Loading } from '../ui/loading.tsx'
import { toast } from '../ui/toast.ts'
import { useUrl } from '../url.ts'

/** Limits of the scheduler, API keys, and how the console looks. */
export function Settings() {
  return (
    <>
      <div class="page-head">
        <h1>Settings</h1>
        <span class="muted small">
          Derrick {session()?.version} · signed in as {session()?.role}
        </span>
      </div>
      <div class="settings">
        <Concurrency />
        <Appearance />
        <Keys />
      </div>
    </>
  )
}

function Concurrency() {
  const settings = createLoad(
    () => 'settings',
    () => api.get<SettingsShape>('/settings'),
  )
  return (
    <section class="card card-body stack">
      <h2>Scheduler</h2>
      <Show
        when={settings.data()}
        fallback={
          <Show when={settings.problem()} fallback={<Loading what="the settings" />}>
            {(problem) => (
              <ErrorState
                title="Settings can’t be shown"
                problem={problem()}
                retry={settings.again}
              />
            )}
          </Show>
        }
      >
        {(found) => <Limits settings={found()} onSaved={settings.set} />}
      </Show>
    </section>
  )
}

function Limits(props: { settings: SettingsShape; onSaved: (settings: SettingsShape) => void }) {
  const form = createForm()
  const [all, setAll] = createSignal(String(props.settings.max_concurrent_syncs))
  const [each, setEach] = createSignal(String(props.settings.max_concurrent_syncs_per_source))
  const save = () =>
    form.during('save', async () => {
      const saved = await api.patch<SettingsShape>('/settings', {
        max_concurrent_syncs: Number(all()),
        max_concurrent_syncs_per_source: Number(each()),
      })
      props.onSaved(saved)
      toast({ text: 'The new limits hold from now on.', good: true })
    })
  const inUse = () => world.scheduler?.global.in_use ?? 0
  const effect = () =>
    Number(all()) < inUse()
      ? `${inUse()} syncs run now: lowering stops none, but none starts until fewer than ${all()} run.`
      : 'How many streams sync at the same time.'
  return (
    <form
      class="stack"
      novalidate
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <FieldBox
        id="max-all"
        title="Syncs at the same time"
        help={effect()}
        error={form.errorOf('max_concurrent_syncs')}
      >
        <input
          id="max-all"
          type="number"
          min={1}
          max={256}
          value={all()}
          onInput={(event) => setAll(event.currentTarget.value)}
        />
      </FieldBox>
      <FieldBox
        id="max-source"
        title="of them from one source"
        help="Protects the API’s limits; the manifest’s own limits hold beside it."
        error={form.errorOf('max_concurrent_syncs_per_source')}
      >
        <input
          id="max-source"
          type="number"
          min={1}
          max={256}
          value={each()}
          onInput={(event) => setEach(event.currentTarget.value)}
        />
      </FieldBox>
      <Show when={form.problem()}>
        {(problem) => <ErrorState title="The limits were not changed" problem={problem()} />}
      </Show>
      <div class="row row-end">
        <Button
          kind="primary"
          type="submit"
          off={notAllowed('admin')}
          busy={form.busy() !== undefined}
        >
          Save
        </Button>
      </div>
    </form>
  )
}

function Appearance() {
  return (
    <section class="card card-body stack">
      <h2>Appearance</h2>
      <div class="row" role="radiogroup" aria-label="Theme">
        <For each={themes}>
          {(name) => (
            <label class="check-line">
              <input
                type="radio"
                name="theme"
                checked={theme() === name}
                onChange={() => setTheme(name)}
              />
              {name}
            </label>
          )}
        </For>
      </div>
      <p class="quiet">Kept in this browser. Times are shown in UTC, days in the source’s zone.</p>
    </section>
  )
}

type NewKey = ApiKey & { key: string }

function Keys() {
  const url = useUrl()
  const keys = createLoad(
    () => 'keys',
    () => listAll<ApiKey>('/api_keys'),
  )
  const [fresh, setFresh] = createSignal<NewKey>()
  const asked = () => keys.data()?.find((key) => key.id === url.get('delete'))
  return (
    <section class="card card-body stack wide">
      <h2>API keys</h2>
      <Show when={keys.problem()}>
        {(problem) => (
          <ErrorState title="Keys can’t be shown" problem={problem()} retry={keys.again} />
        )}
      </Show>
      <Show when={fresh()}>{(key) => <FreshKey made={key()} onClose={() => setFresh()} />}</Show>
      <Show when={keys.data()?.length}>
        <div class="table-scroll">
          <table class="stacking">
            <thead>
              <tr>
                <th>Name</th>
                <th>Key</th>
                <th>Role</th>
                <th>Made</th>
                <th>Last used</th>
                <th />
              </tr>
            </thead>
            <tbody>
              <For each={keys.data()}>
                {(key) => (
                  <tr>
                    <td data-label="Name">{key.name}</td>
                    <td data-label="Key">
                      <code>dk_live_…{key.hint}</code>
                    </td>
                    <td data-label="Role">
                      <Badge>{key.role}</Badge>
                    </td>
                    <td data-label="Made">{moment(key.created_at)}</td>
                    <td data-label="Last used">
                      {key.last_used_at ? ago(Date.parse(key.last_used_at), now()) : 'never'}
                    </td>
                    <td class="right">
                      <Button
                        small
                        kind="ghost"
                        off={notAllowed('admin')}
                        onClick={() => url.set({ delete: key.id }, { push: true })}
                      >
                        Delete
                      </Button>
                    </td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </div>
      </Show>
      <NewKeyForm
        onMade={(key) => {
          setFresh(key)
          keys.again()
        }}
      />
      <Show when={asked()}>
        {(key) => (
          <Confirm
            title={`Delete key ${key().name}?`}
            verb="Delete"
            run={async () => {
              await api.remove(`/api_keys/${key().id}`)
              keys.again()
            }}
            onClose={() => url.set({ delete: undefined })}
          >
            <p>Whatever uses it is refused from now on, and its sessions end.</p>
          </Confirm>
        )}
      </Show>
    </section>
  )
}

function FreshKey(props: { made: NewKey; onClose: () => void }) {
  let field!: HTMLElement
  // `navigator.clipboard` does not exist on plain http: the key is selected instead, Ctrl+C does it.
  const copy = async () => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(props.made.key)
      toast({ text: 'Copied.', good: true })
      return
    }
    getSelection()?.selectAllChildren(field)
    toast({ text: 'Selected: copy it with the keyboard.' })
  }
  return (
    <div class="secret stack" role="status">
      <p>
        <strong>Copy the key of {props.made.name} now.</strong> It is not shown again: only its hash
        is kept.
      </p>
      <code ref={field}>{props.made.key}</code>
      <div class="row">
        <Button small kind="primary" onClick={copy}>
          Copy
        </Button>
        <Button small onClick={props.onClose}>
          I have it
        </Button>
      </div>
    </div>
  )
}

function NewKeyForm(props: { onMade: (key: NewKey) => void }) {
  const form = createForm()
  const [name, setName] = createSignal('')
  const [role, setRole] = createSignal<Role>('operator')
  const make = () =>
    form.during('save', async () => {
      props.onMade(await api.post<NewKey>('/api_keys', { name: name().trim(), role: role() }))
      setName('')
    })
  return (
    <form
      class="stack"
      novalidate
      onSubmit={(event) => {
        event.preventDefault()
        void make()
      }}
    >
      <div class="pair">
        <FieldBox id="key-name" title="New key" error={form.errorOf('name')}>
          <input
            id="key-name"
            placeholder="what it is for"
            maxlength={128}
            value={name()}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </FieldBox>
        <FieldBox
          id="key-role"
          title="Role"
          help="viewer reads, operator also syncs, admin changes everything"
        >
          <select id="key-role" onChange={(event) => setRole(event.currentTarget.value as Role)}>
            <For each={roles}>
              {(found) => (
                <option value={found} selected={found === role()}>
                  {found}
                </option>
              )}
            </For>
          </select>
        </FieldBox>
      </div>
      <Show when={form.problem()}>
        {(problem) => <ErrorState title="No key was made" problem={problem()} />}
      </Show>
      <div class="row row-end">
        <Button
          type="submit"
          busy={form.busy() !== undefined}
          off={notAllowed('admin') ?? (name().trim() ? undefined : 'It needs a name.')}
        >
          Make key
        </Button>
      </div>
    </form>
  )
}
