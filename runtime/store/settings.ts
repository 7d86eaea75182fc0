import type Sqlite from 'better-sqlite3'
import { defaultSettings, type Settings, type SettingsPatch } from '../../schema/settings.ts'

export type SettingsStore = ReturnType<typeof makeSettingsStore>

export function makeSettingsStore(db: Sqlite.Database) {
  const all = db.prepare('select key, value from settings')
  const set = db.prepare(
    'insert into settings values (?, ?) on conflict (key) do update set value = excluded.value',
  )
  /** Stored values over the defaults; keys of other versions are left alone. */
  const get = (): Settings => {
    const settings = { ...defaultSettings }
    for (const { key, value } of all.all() as { key: string; value: string }[]) {
      if (Object.hasOwn(settings, key)) settings[key as keyof Settings] = JSON.parse(value)
    }
    return settings
  }
  return {
    get,
    save: db.transaction((patch: SettingsPatch): Settings => {
      for (const [key, value] of Object.entries(patch)) set.run(key, JSON.stringify(value))
      return get()
    }),
  }
}
