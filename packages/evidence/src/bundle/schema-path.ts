/** Where a bundle keeps the schema a record's `dataschema` names; null for a name of another form. */
export function schemaPath(dataschema: string): string | null {
  const match = /^urn:sealtrail:schema:([A-Za-z0-9_][A-Za-z0-9._-]{0,127}):([0-9]{1,9})(?:#newer)?$/.exec(dataschema)
  return match === null ? null : `schemas/${match[1]}-${match[2]}.json`
}
