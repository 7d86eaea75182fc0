import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

export function NotFound() {
  return (
    <EmptyState
      title="There is no such page"
      text="The address may be mistyped, or what it showed was deleted."
      action={<LinkButton href="/">To the overview</LinkButton>}
    />
  )
}
