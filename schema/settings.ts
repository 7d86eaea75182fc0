import Type, { type Static } from 'typebox'

export const Settings = Type.Object(
  {
    max_concurrent_syncs: Type.Integer({ minimum: 1, maximum: 256, default: 4 }),
    max_concurrent_syncs_per_source: Type.Integer({ minimum: 1, maximum: 256, default: 2 }),
  },
  { additionalProperties: false },
)
export type Settings = Static<typeof Settings>
export const SettingsPatch = Type.Partial(Settings, { additionalProperties: false })
export type SettingsPatch = Static<typeof SettingsPatch>
export const defaultSettings: Settings = {
  max_concurrent_syncs: 4,
  max_concurrent_syncs_per_source: 2,
}
