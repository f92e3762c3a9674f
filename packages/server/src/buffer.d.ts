export {}

// Methods every Node Buffer has and its types leave out: the ones that neither look up an encoding nor make a second object.
declare global {
  interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
    latin1Slice(start?: number, end?: number): string
    utf8Slice(start?: number, end?: number): string
    asciiSlice(start?: number, end?: number): string
    hexSlice(start?: number, end?: number): string
    base64urlSlice(start?: number, end?: number): string
    latin1Write(text: string, offset?: number, length?: number): number
    utf8Write(text: string, offset?: number, length?: number): number
    base64urlWrite(text: string, offset?: number, length?: number): number
  }
}
