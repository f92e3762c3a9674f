/** Numbers the Social Security Administration has declared void after they were printed in advertisements. */
const VOID = new Set(['078051120', '219099999', '123456789', '111111111', '987654321'])
const WRITTEN = /(?<![\d+-])(\d{3})([- ])(\d{2})\2(\d{4})(?![\d-])/g
/** In any dress, where something says what it is. */
const BARE = /(?<!\d)(\d{3})[- .]?(\d{2})[- .]?(\d{4})(?!\d)/g
const CONTEXT = /\bssn\b|social\s*sec|socialsec|soc\s*sec|tax(?:payer)?\s*id|\btin\b|\bss#/i

/**
 * Whether a text (ASCII digits) holds a US social security number: written `ddd-dd-dddd`, or nine digits where the text
 * or its field's name (in words) speaks of one. Never issued: area 000, 666, 900-999, group 00, serial 0000.
 */
export function hasSsn(text: string, name: string): boolean {
  for (const [, area, , group, serial] of text.matchAll(WRITTEN)) if (isIssued(area as string, group as string, serial as string)) return true
  if (!CONTEXT.test(text) && !namesSsn(name)) return false
  for (const [, area, group, serial] of text.matchAll(BARE)) if (isIssued(area as string, group as string, serial as string)) return true
  return false
}

/** Whether the words of a field's name make a social security number of nine digits. */
export function namesSsn(name: string): boolean {
  return CONTEXT.test(name)
}

function isIssued(area: string, group: string, serial: string): boolean {
  if (area === '000' || area === '666' || area >= '900' || group === '00' || serial === '0000') return false
  return !VOID.has(area + group + serial)
}
