/** The few functions of Node's crypto that the `.node.ts` files use, so that this package compiles without Node's types. */
declare module 'node:crypto' {
  interface KeyObject {
    export(options: { format: 'der'; type: 'spki' }): Uint8Array
  }
  function hash(algorithm: 'sha256', data: Uint8Array, encoding: 'binary'): string
  function createHash(algorithm: 'sha256'): { update(data: Uint8Array): unknown; digest(): Uint8Array }
  function createPublicKey(key: KeyObject | { key: Uint8Array; format: 'der'; type: 'spki' }): KeyObject
  function createPrivateKey(key: { key: Uint8Array; format: 'der'; type: 'pkcs8' }): KeyObject
  function sign(algorithm: null, data: Uint8Array, key: KeyObject): Uint8Array
  function verify(algorithm: null, data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean
}
