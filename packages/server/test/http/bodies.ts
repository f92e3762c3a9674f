/** A body that the route of this path takes, for tests that go through all of them. */
export function bodyFor(path: string): string {
  return (BODIES.find(([pattern]) => pattern.test(path)) as (typeof BODIES)[number])[1]
}

const GRANT = '{"to":"ann","purpose":"case-1","fields":"*","trail":"notifications","until":"2024-05-12T00:00:00Z"}'

const BODIES: ReadonlyArray<readonly [path: RegExp, body: string]> = [
  [/\/exports$/, '{"range":"notifications:0..1"}'],
  [/\/(?:flags|holds)$/, '{"subject":"s","reason":"r"}'],
  [/\/erasures\/plan$/, '{"person":"a"}'],
  [/\/erasures$/, '{"person":"a","ground":"g"}'],
  [/\/(?:holds|erasures)\//, '{"reason":"r"}'],
  [/\/people$/, '{"person":"a"}'],
  [/\/people\/merge$/, '{"person":["a","b"],"reason":"r"}'],
  [/\/people\/split$/, '{"person":"a","reason":"r"}'],
  [/\/grants$/, GRANT],
  [/\/check$/, '{"path":"recipient_address","value":"x"}'],
  [/./, '{"name":"n","role":"auditor","pack":"p","version":1,"schema":{}}'],
]
