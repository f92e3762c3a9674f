import { serialize, type ASTNode } from '@marcbachmann/cel-js'

const MACROS: ReadonlySet<string> = new Set(['exists', 'all', 'exists_one', 'filter', 'map'])

/**
 * The expression as CEL text with each `a.b` as `get(a,"b")`, `a[i]` as `get(a,i)`, `has(a.b)` as `present(a,"b")` and each
 * macro over `elements(…)` and each `in` over `members(…)`, all in parentheses. Another engine with these functions gives our results.
 * (The library's own `serialize` loses the parentheses of `a - (b - c)`.)
 */
export function rewrite(node: ASTNode): string {
  switch (node.op) {
    case 'value':
      return literal(node)
    case 'id':
      return node.args
    case '.':
      return `get(${rewrite(node.args[0])},${JSON.stringify(node.args[1])})`
    case '[]':
      return `get(${rewrite(node.args[0])},${rewrite(node.args[1])})`
    case '.?':
      return `${rewrite(node.args[0])}.?${node.args[1]}`
    case '[?]':
      return `${rewrite(node.args[0])}[?${rewrite(node.args[1])}]`
    case '!_':
      return `(!${rewrite(node.args)})`
    case '-_':
      return `(-${rewrite(node.args)})`
    case '?:':
      return `(${rewrite(node.args[0])}?${rewrite(node.args[1])}:${rewrite(node.args[2])})`
    case 'list':
      return `[${node.args.map(rewrite).join(',')}]`
    case 'map':
      return `{${node.args.map(([k, v]) => `${rewrite(k)}:${rewrite(v)}`).join(',')}}`
    case 'call':
      return call(node.args[0], node.args[1])
    case 'rcall': {
      const [fn, receiver, args] = node.args
      const over = MACROS.has(fn) ? `elements(${rewrite(receiver)})` : rewrite(receiver)
      return `${over}.${fn}(${args.map(rewrite).join(',')})`
    }
    case 'in':
      return `(${rewrite(node.args[0])} in members(${rewrite(node.args[1])}))`
    default:
      return `(${rewrite(node.args[0])} ${node.op} ${rewrite(node.args[1])})`
  }
}

function call(fn: string, args: readonly ASTNode[]): string {
  const argument = args[0]
  if (fn === 'has' && argument?.op === '.') return `present(${rewrite(argument.args[0])},${JSON.stringify(argument.args[1])})`
  return `${fn}(${args.map(rewrite).join(',')})`
}

function literal(node: ASTNode & { op: 'value' }): string {
  const value = node.args
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value)
  return serialize(node)
}

/** Child nodes, in order. */
export function children(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (value !== null && typeof value === 'object' && 'op' in value && 'args' in value) found.push(value as ASTNode)
  }
  visit(node.args)
  return found
}
