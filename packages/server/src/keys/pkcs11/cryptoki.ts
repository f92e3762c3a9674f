import { Buffer } from 'node:buffer'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SealtrailError } from '../../errors.ts'

/** The functions of PKCS#11 (Cryptoki 2.40, and EdDSA of 3.0) that are used here, as the library pkcs11js has them. */
export interface Cryptoki {
  C_Initialize(): void
  C_Finalize(): void
  C_GetSlotList(tokenPresent: boolean): Handle[]
  C_GetTokenInfo(slot: Handle): { readonly label: string }
  C_OpenSession(slot: Handle, flags: number): Handle
  C_CloseSession(session: Handle): void
  C_Login(session: Handle, userType: number, pin: string): void
  C_FindObjectsInit(session: Handle, template: Template): void
  C_FindObjects(session: Handle, most: number): Handle[]
  C_FindObjectsFinal(session: Handle): void
  C_GetAttributeValue(session: Handle, object: Handle, template: Template): Template
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: Template): Handle
  C_GenerateKeyPair(session: Handle, mechanism: Mechanism, publicKey: Template, privateKey: Template): { publicKey: Handle; privateKey: Handle }
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Encrypt(session: Handle, plain: Buffer, into: Buffer): Buffer
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Decrypt(session: Handle, secret: Buffer, into: Buffer): Buffer
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Sign(session: Handle, message: Buffer, into: Buffer): Buffer
}

export type Handle = Buffer
export type Template = Array<{ type: number; value?: number | boolean | string | Buffer }>
export interface Mechanism {
  readonly mechanism: number
  readonly parameter?: unknown
}

/** Numbers of the standard. */
export const CK = {
  SERIAL_SESSION: 4,
  RW_SESSION: 2,
  USER: 1,
  CLASS: 0x0,
  TOKEN: 0x1,
  PRIVATE: 0x2,
  LABEL: 0x3,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  ENCRYPT: 0x104,
  DECRYPT: 0x105,
  SIGN: 0x108,
  VERIFY: 0x10a,
  VALUE_LEN: 0x161,
  EXTRACTABLE: 0x162,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
  CLASS_PUBLIC: 2,
  CLASS_PRIVATE: 3,
  CLASS_SECRET: 4,
  TYPE_AES: 0x1f,
  TYPE_EDWARDS: 0x40,
  AES_KEY_GEN: 0x1080,
  AES_GCM: 0x1087,
  EDWARDS_KEY_GEN: 0x1055,
  EDDSA: 0x1057,
  PARAMS_GCM: 7,
} as const

/** Return values that are told apart. */
export const CKR = {
  PIN_INCORRECT: 0xa0,
  PIN_INVALID: 0xa1,
  PIN_LEN_RANGE: 0xa2,
  PIN_LOCKED: 0xa4,
  USER_ALREADY_LOGGED_IN: 0x100,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
} as const

/** What a call answered, as a number of the standard; null: nothing of PKCS#11. */
export function codeOf(error: unknown): number | null {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'number' ? code : null
}

/** The folder of an installed pkcs11js, where it is not beside this program. */
const VARIABLE = 'SEALTRAIL_PKCS11JS'

/**
 * The maker's library, loaded by pkcs11js, which is no dependency: it is compiled for the machine it runs on.
 * @throws SealtrailError CONFIG_INVALID saying how to install it, or that there is no such module
 */
export async function loadCryptoki(module: string, env: Readonly<Record<string, string | undefined>> = process.env): Promise<Cryptoki> {
  const folder = env[VARIABLE]
  const name = folder === undefined ? 'pkcs11js' : pathToFileURL(join(folder, 'index.js')).href
  let library: { PKCS11: new () => Cryptoki & { load(path: string): void } }
  try {
    const loaded = (await import(name)) as typeof library & { default?: typeof library }
    library = loaded.default ?? loaded
  } catch (cause) {
    throw new SealtrailError(
      'CONFIG_INVALID',
      `keys: pkcs11 needs the library pkcs11js, which is not installed: run \`npm install pkcs11js@2.1.7\` in a folder of its own (it compiles, so it needs a C++ compiler and Python) and set ${VARIABLE} to node_modules/pkcs11js in it`,
      { cause },
    )
  }
  const cryptoki = new library.PKCS11()
  try {
    cryptoki.load(module)
  } catch (cause) {
    throw new SealtrailError('CONFIG_INVALID', 'keys.module: the PKCS#11 library cannot be loaded; check its path, and that it is built for this machine', {
      cause,
    })
  }
  return cryptoki
}
