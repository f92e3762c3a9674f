// The package compiles without Node's types; these few functions are all `platform.node.ts` may use.
declare module 'node:crypto' {
  export function hash(algorithm: 'sha256', data: string | Uint8Array, encoding: 'base64url' | 'hex'): string
}
declare module 'node:buffer' {
  export class Buffer extends Uint8Array {
    static from(text: string, encoding: 'utf8'): Buffer
    static allocUnsafeSlow(size: number): Buffer
    utf8Write(text: string, offset: number): number
    base64urlSlice(start: number, end: number): string
    toString(encoding: 'base64url'): string
  }
}
