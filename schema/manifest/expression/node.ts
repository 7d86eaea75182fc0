export type BinaryOperator =
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'in'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'

/** An expression as a tree; `offset` is where to point when it fails. */
export type Node =
  | { kind: 'literal'; value: string | number | boolean | null; offset: number }
  | { kind: 'scope'; name: string; offset: number }
  | { kind: 'member'; of: Node; name: string; optional: boolean; offset: number }
  | { kind: 'index'; of: Node; key: Node; optional: boolean; offset: number }
  | { kind: 'call'; name: string; args: Node[]; offset: number }
  | { kind: 'not'; of: Node; offset: number }
  | { kind: 'negate'; of: Node; offset: number }
  | { kind: 'binary'; operator: BinaryOperator; left: Node; right: Node; offset: number }
  | { kind: 'and' | 'or' | 'coalesce'; left: Node; right: Node; offset: number }
  | { kind: 'condition'; test: Node; whenTrue: Node; otherwise: Node; offset: number }
  | { kind: 'list'; items: Node[]; offset: number }
  | { kind: 'map'; entries: { key: Node; value: Node }[]; offset: number }

/** The nodes directly below. */
export function childrenOf(node: Node): Node[] {
  switch (node.kind) {
    case 'literal':
    case 'scope':
      return []
    case 'member':
    case 'not':
    case 'negate':
      return [node.of]
    case 'index':
      return [node.of, node.key]
    case 'call':
      return node.args
    case 'binary':
    case 'and':
    case 'or':
    case 'coalesce':
      return [node.left, node.right]
    case 'condition':
      return [node.test, node.whenTrue, node.otherwise]
    case 'list':
      return node.items
    case 'map':
      return node.entries.flatMap((entry) => [entry.key, entry.value])
  }
}
