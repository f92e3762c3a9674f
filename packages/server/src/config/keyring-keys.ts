import type { KeyKeeping, KeysConfig } from './keys-config.ts'
import { credentialsOf } from './store-keys.ts'
import type { StoreReading } from './store-keys.ts'

/** Which keys each keeper takes, and which it cannot do without. */
const KEYS_OF: Readonly<Record<KeyKeeping['type'], { readonly needs: readonly string[]; readonly takes: readonly string[] }>> = {
  files: { needs: [], takes: ['passphrase'] },
  pkcs11: { needs: ['module', 'token'], takes: ['label', 'pin'] },
  'aws-kms': { needs: ['keyId', 'region'], takes: ['endpoint', 'accessKeyId', 'secretAccessKey', 'timeout'] },
}
const ALL = [...new Set(Object.values(KEYS_OF).flatMap(({ needs, takes }) => [...needs, ...takes]))]

/** The `keys` part of the configuration. */
export function readKeys(reading: StoreReading): KeysConfig {
  const type = reading.get<KeyKeeping['type']>('keys.type')
  const { needs, takes } = KEYS_OF[type]
  for (const key of ALL) {
    const written = reading.find(`keys.${key}`) !== null
    if (written && !needs.includes(key) && !takes.includes(key)) reading.mistake(`keys.${key}`, `keys.${key}: keys of type ${type} have no such setting`)
    if (!written && needs.includes(key)) reading.mistake('keys', `keys.${key} is missing`)
  }
  const maxAgeMs = reading.find<number>('keys.maxAge')
  if (maxAgeMs !== null && maxAgeMs <= 0) reading.mistake('keys.maxAge', 'keys.maxAge: must be longer than nothing')
  return { folder: reading.find('keys.folder'), keeping: keepingOf(type, reading), maxAgeMs }
}

function keepingOf(type: KeyKeeping['type'], reading: StoreReading): KeyKeeping {
  const find = (key: string): string | null => reading.find<string>(`keys.${key}`)
  switch (type) {
    case 'files':
      return { type, passphrase: find('passphrase') }
    case 'pkcs11':
      return { type, module: find('module') ?? '', token: find('token') ?? '', label: reading.get('keys.label'), pin: find('pin') }
    case 'aws-kms': {
      const timeoutMs = reading.get<number>('keys.timeout')
      if (timeoutMs < 100) reading.mistake('keys.timeout', 'keys.timeout: at least 100ms')
      return {
        type,
        keyId: find('keyId') ?? '',
        region: find('region') ?? '',
        endpoint: find('endpoint'),
        credentials: credentialsOf(reading, 'keys'),
        timeoutMs,
      }
    }
  }
}
