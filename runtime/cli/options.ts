import { type Command, Option } from 'commander'

/** Gathers an option that may be given several times. */
export const several = (value: string, before: string[]): string[] => [...before, value]

/** How to print what was found. */
export const withOutput = (command: Command): Command =>
  command
    .addOption(
      new Option('-o, --output <format>', 'how to print')
        .choices(['table', 'json', 'yaml'])
        .default('table'),
    )
    .option('--json', 'short for -o json')

/** The config of a source that is not stored. */
export const withConfig = (command: Command): Command =>
  command
    .option(
      '--config <field=value>',
      "a field of the source's config; may be repeated",
      several,
      [],
    )
    .option(
      '--config-file <file>',
      'its fields as YAML or JSON; texts may name environment variables',
    )
