import type { Command } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A script that completes commands and options; made from the commands themselves, so that it never lags behind. */
export function completionScript(program: Command, shell: Shell): string {
  const words = wordsOf(program)
  if (shell === 'fish') return fishScript(words)
  const cases = [...words].map(
    ([path, found]) => `    ${JSON.stringify(path)}) words=${JSON.stringify(found.join(' '))} ;;`,
  )
  const bash = `_derrick() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case " ${groups(words)} " in *" \${path:+$path }$word "*) path="\${path:+$path }$word" ;; esac ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _derrick derrick
`
  return shell === 'bash' ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`
}

/** What may follow each command, by its path: `connector preview`. */
function wordsOf(program: Command): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const visit = (command: Command, path: string): void => {
    const options = command.options.flatMap(({ long }) => long ?? [])
    const commands = command.commands.map((one) => one.name())
    found.set(path, [...commands, ...options, '--help'])
    for (const one of command.commands)
      visit(one, path === '' ? one.name() : `${path} ${one.name()}`)
  }
  visit(program, '')
  return found
}

/** Paths as words that a shell's pattern can look for. */
const groups = (words: Map<string, string[]>): string =>
  [...words.keys()].filter((path) => path !== '').join('  ')

function fishScript(words: Map<string, string[]>): string {
  const lines = [...words].flatMap(([path, found]) => {
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ')
    return found.map((word) =>
      word.startsWith('--')
        ? `complete -c derrick -n '${condition}' -l ${word.slice(2)}`
        : `complete -c derrick -n '${condition}' -a ${word}`,
    )
  })
  return `${lines.join('\n')}\n`
}
