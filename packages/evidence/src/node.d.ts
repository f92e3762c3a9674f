// The package compiles without Node's types; these few functions are all `platform.node.ts` may use.
declare module 'node:crypto' {
  interface PublicKey {
    readonly type: string
  }
  export function hash(algorithm: 'sha256', data: string | Uint8Array, encoding: 'base64url' | 'binary' | 'hex'): string
  export function createPublicKey(key: { key: Uint8Array; format: 'der'; type: 'spki' }): PublicKey
  export function verify(algorithm: null, data: Uint8Array, key: PublicKey, signature: Uint8Array): boolean
}
declare module 'node:buffer' {
  export class Buffer extends Uint8Array {
    static from(text: string, encoding: 'utf8'): Buffer
    override toString(encoding: 'base64url'): string
  }
}
