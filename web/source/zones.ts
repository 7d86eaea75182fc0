/** Names of the time zones that this browser knows, UTC first. */
export const zones = (): string[] => ['UTC', ...Intl.supportedValuesOf('timeZone')]
