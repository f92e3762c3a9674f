/** `calls:100..200`: records 100 to 199 of the log `calls`, as an export is asked for; null when it is no range. */
export function readRange(text: string): { readonly log: string; readonly from: number; readonly to: number } | null {
  const [, log, from, to] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127}):(\d{1,15})\.\.(\d{1,15})$/.exec(text.trim()) ?? []
  if (log === undefined || Number(from) > Number(to)) return null
  return { log, from: Number(from), to: Number(to) }
}
