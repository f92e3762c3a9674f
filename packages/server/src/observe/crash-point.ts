/**
 * Kills the process, as `kill -9` does, when the environment asks for this point: `SEALTRAIL_CRASH_AT=name` or
 * `name#n` for the n-th time it is passed. For the crash tests; costs one comparison when unset.
 */
let wantedName: string | undefined
let wantedCount = 1
let passed = 0
armCrashPoint(process.env['SEALTRAIL_CRASH_AT'])

/** As the environment variable, for a process that is to come up first; counts from now on. */
export function armCrashPoint(wanted: string | undefined): void {
  ;[wantedName, wantedCount] = wanted === undefined ? [undefined, 1] : parse(wanted)
  passed = 0
}

export function crashPoint(name: string): void {
  if (wantedName === undefined || name !== wantedName) return
  passed++
  if (passed >= wantedCount) process.kill(process.pid, 'SIGKILL')
}

function parse(text: string): [string, number] {
  const match = /^(.*?)(?:#(\d+))?$/.exec(text)
  return [match?.[1] ?? text, Number(match?.[2] ?? 1)]
}
