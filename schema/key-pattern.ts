/** Format of a key: `dk_live_` and 32 hex digits. */
export const keyPattern = /^dk_live_[0-9a-f]{32}$/
