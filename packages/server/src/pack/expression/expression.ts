import type { ASTNode } from '@marcbachmann/cel-js'
import { close } from './close.ts'
import { byLibrary, check, parse } from './library.ts'
import { children } from './rewrite.ts'
import type { Run } from './scope.ts'

/** A compiled CEL expression. */
export interface Expression {
  readonly text: string
  /** @throws ExpressionError */
  readonly run: Run
  /** False when the library evaluates it: right, but slower. */
  readonly closed: boolean
  /** Member paths it reads from named roots, e.g. `event.recipient.address`; what is indexed by a value ends in `[]`. */
  readonly paths: readonly string[]
}

/**
 * Compiles CEL. Three rules differ from plain CEL so that the guides' expressions work on real events, which leave
 * fields out: a member that is missing (or of something that is no map) is null; `in` null is false; a macro over null sees nothing.
 * Everything else that CEL calls an error is one: `<`, `+`, `startsWith`, `!`, `&&` on null err.
 * @throws ExpressionSyntaxError
 */
export function compileExpression(text: string): Expression {
  const ast = parse(text)
  const run = close(ast)
  // The closures know all names and take any JSON value, as in `x == "" ? null : x`, where the library wants one type.
  if (run === null) check(text)
  const paths = new Set<string>()
  collect(ast, new Set(), paths)
  return { text, run: run ?? byLibrary(ast), closed: run !== null, paths: [...paths] }
}

function collect(node: ASTNode, bound: ReadonlySet<string>, into: Set<string>): void {
  const path = pathOf(node, bound)
  if (path !== null) {
    into.add(path)
    if (node.op === '[]') collect(node.args[1], bound, into)
    return
  }
  const macro = node.op === 'rcall' && node.args[2][0]?.op === 'id' ? new Set([...bound, node.args[2][0].args]) : bound
  for (const child of children(node)) collect(child, macro, into)
}

function pathOf(node: ASTNode, bound: ReadonlySet<string>): string | null {
  if (node.op === 'id') return bound.has(node.args) ? null : node.args
  if (node.op !== '.' && node.op !== '[]') return null
  const base = pathOf(node.args[0], bound)
  if (base === null) return null
  if (node.op === '.') return `${base}.${node.args[1]}`
  return node.args[1].op === 'value' && typeof node.args[1].args === 'string' ? `${base}.${node.args[1].args}` : `${base}[]`
}
