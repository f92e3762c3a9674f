import type { BundleLog, BundleManifest } from '@sealtrail/evidence'

/** The bundle's README: what it is, how to check it by hand, what it cannot show. Its `sh` blocks run one after the other, in a test too. */
export function readme(about: Omit<BundleManifest, 'files'>): string {
  const { created, asked, logs, requester, tool } = about
  const records = logs.reduce((sum, log) => sum + log.records, 0)
  const shown = logs.reduce((sum, log) => sum + log.fields.disclosed, 0)
  return [
    `# Evidence bundle

Made ${created} by ${tool.name} ${tool.version} for the token \`${requester.name}\` (role ${requester.role}). Asked for: ${askedText(asked)}. It holds ${records} records${shown === 0 ? '' : ` and ${shown} personal values, which stand in the folder \`disclosures\` and nowhere else`}.

${asked.kind === 'subject-access' ? accessText(requester.name) : ''}**The short way**: \`sealtrail-verify FILE.zip --key VKEY\`, or open \`verify.html\` (no network needed) and drop the file on it. Bring the log's key (vkey), a policy, or the root certificate of a time-stamping authority **from somewhere else than this file**: whoever made the file could have made every key in it. Without one the most any check can say is *consistent, signer not established*.

**By hand**, with \`unzip\`, \`jq\`, \`sha256sum\`, \`xxd\`, \`basenc\`, \`openssl\` and \`bash\`, in the folder the file was unpacked to:

## 1. The files are those of the manifest

\`\`\`sh
jq -r '.files[] | "\\(.sha256)  \\(.path)"' manifest.json | sha256sum --check --quiet && echo "files: same"
node() { printf "01$1$2" | xxd -r -p | sha256sum | cut -c1-64; }
leaf() { { printf '\\0'; printf %s "$1"; } | sha256sum | cut -c1-64; }
hex() { base64 -d | xxd -p -c 32; }
T=$(mktemp -d)
\`\`\`

This finds accidents. Whoever changes a file can change the manifest too; what follows finds that.
`,
    ...logs.map(logSection),
    `## Personal values

A value stands in a record as \`[{"...":"<digest>"}]\`. A line of \`disclosures/<log>.ndjson\` holds what a record's digests were made from; the SHA-256 of each text, in base64url, must stand in the record of that number, or in the object that holds what of its data did not fit it (\`log/<log>/object/<SHA-256>\`, named in the record as \`dataobject\`):

\`\`\`sh
for o in log/*/object/*; do
  [ ! -e "$o" ] || [ "$(sha256sum < "$o" | cut -c1-64)" = "\${o##*/}" ] || echo "$o is not the object its name says"
done
for f in disclosures/*.ndjson; do
  [ -e "$f" ] || continue
  log=\${f#disclosures/} log=\${log%.ndjson}
  if [ -e log/$log/proofs.ndjson ]; then jq .index log/$log/proofs.ndjson
  else jq --arg log $log '.logs[] | select(.log == $log).range | range(.from; .to)' manifest.json; fi > $T/numbers
  jq -r '"\\(.index) \\(.disclosures | join(" "))"' "$f" | while read -r n all; do
    line=$(grep -n -x -F -- "$n" $T/numbers | head -n 1 | cut -d: -f1)
    if [ -n "$line" ]; then sed -n "\${line}p" log/$log/records.ndjson; fi > $T/record
    object=log/$log/object/$(jq -r '.dataobject // "" | ltrimstr("sha256:")' $T/record)
    [ ! -f $object ] || cat $object >> $T/record
    for d in $all; do
      digest=$(printf %s "$d" | sha256sum | cut -c1-64 | xxd -r -p | basenc --base64url | tr -d =)
      grep -q -F "\\"$digest\\"" $T/record || echo "record $n does not commit to a disclosed value"
    done
  done
done
echo "disclosures: done"
\`\`\`

To read one: \`basenc -d --base64url\`. \`disclosures/<log>.sd-jwt\` has the same records as SD-JWTs (RFC 9901), one a line; any SD-JWT library puts the values back. They are signed with the key in \`keys.json\`, which is a hint like all keys here.

\`fields.ndjson\` says of every digest whether its value is disclosed here, sealed (there, but not shown to the role ${requester.role}), erased, expired, or missing without a reason.
${logs.some(({ fields }) => fields.erased > 0) ? ERASED : ''}
## What this file cannot show

- That an event is true, or that a sender sent all of them.
- Who signed, by a key that is in it.
- When, by \`time\`, \`recordedtime\` or \`created\`: these are the word of whoever made the record. Time-stamp tokens and witness cosignatures are somebody else's word.
${asked.kind === 'range' ? '- That this range is all that was asked for: compare it with the request.' : '- That nothing else fits what was asked: the log has no index by subject, person or search. A range of the log can be proven whole.'}
`,
  ].join('\n')
}

/** For somebody who never heard of any of this. */
function accessText(by: string): string {
  return `**What this is.** You asked what is held about you. This file is the answer that \`${by}\` drew: every record of each call, message or conversation in which something of yours is held, and your values in clear. To read a value: the folder \`disclosures\` has them, a line for each record; section "Personal values" says how. The rest of this page is for whoever wants to check that nothing in here was made up.

- **Yours**: values kept under your own keys, by whichever of your names they came (phone, e-mail, customer number …). They were found by these keys, in all of what is stored, not by a search.
- **Nobody's in particular**: values in your conversations that belong to no known person (notes, answers in a menu) are shown where nobody else takes part. Where others do, they are sealed, since they may be about them; ask whoever gave you this file.
- **Other people's**: sealed. The record says that something stands there, and not what.
- **Only for comparing**: of some values (\`verify-only\`) nothing is kept that could be shown, only what tells whether a value somebody brings is the same. They are sealed as well.
- **Not in it**: what has expired or was erased; what was accepted and not sealed yet when this was made; events that could not be understood and wait in quarantine; what the log \`system\` says of who read your records.

`
}

function askedText(asked: BundleManifest['asked']): string {
  if (asked.kind === 'range') return `every record of the log \`${asked.log}\` from number ${asked.from} up to, and without, number ${asked.to}`
  if (asked.kind === 'subject') return `the records of the subject \`${printable(asked.subject)}\``
  if (asked.kind === 'person') return 'the records of one person'
  if (asked.kind === 'subject-access') return 'all that is held on one person, for that person'
  return `a search by ${Object.entries(asked.query)
    .map(([name, value]) => `\`${name}=${printable(value)}\``)
    .join(', ')}`
}

function logSection(log: BundleLog): string {
  const parts = [checkpointText(log), log.records === 0 ? '' : log.range === null ? proofsText(log) : rangeText(log), stampsText(log)]
  return parts.filter((part) => part !== '').join('\n')
}

function checkpointText({ log, origin, size, published }: BundleLog): string {
  return `## Log \`${log}\`: the checkpoint

\`log/${log}/checkpoint\` is a signed note (C2SP tlog-checkpoint) of ${size} records${published ? '' : '. It is signed by the log and not published: its witness policy was not met, or not yet'}. Its signature, by a key you have from elsewhere:

\`\`\`sh
L=log/${log}; VKEY=$(jq -r '.logs["${origin}"]' keys.json)   # put your own vkey here: this one is a hint
head -n 3 $L/checkpoint > $T/message
grep -F -- "— ${origin} " $L/checkpoint | head -n 1 | cut -d' ' -f3 | base64 -d | tail -c +5 > $T/signature
printf 302a300506032b6570032100%s $(printf %s "$VKEY" | cut -d+ -f3- | base64 -d | tail -c +2 | xxd -p -c 32) | xxd -r -p > $T/key
openssl pkeyutl -verify -pubin -inkey $T/key -keyform DER -rawin -in $T/message -sigfile $T/signature
SIZE=$(sed -n 2p $L/checkpoint); ROOT=$(sed -n 3p $L/checkpoint | hex)
\`\`\`
`
}

function proofsText({ log, records }: BundleLog): string {
  return `### Its records

Each line of \`records.ndjson\` is a record, byte for byte as it was sealed; the same line of \`proofs.ndjson\` has its number and inclusion proof (RFC 9162, 2.1.3.2). All of them${records > 1_000 ? ' (this takes long; \\`head\\` shortens it)' : ''}:

\`\`\`sh
root() {
  local fn=$1 sn=$(($2 - 1)) r=$3 p; shift 3
  if ((fn < 0 || fn > sn)); then echo beyond; return; fi
  for p in "$@"; do
    if ((sn == 0)); then echo too long; return; fi
    if ((fn % 2 == 1 || fn == sn)); then
      r=$(node $p $r); while ((fn % 2 == 0 && fn > 0)); do fn=$((fn / 2)) sn=$((sn / 2)); done
    else r=$(node $r $p); fi
    fn=$((fn / 2)) sn=$((sn / 2))
  done
  ((sn == 0)) || r="too short"
  echo $r
}
while IFS= read -r record && IFS= read -r proof <&3; do
  n=$(jq .index <<< "$proof")
  [ "$(root $n $SIZE $(leaf "$record") $(jq -r '.proof[]' <<< "$proof" | while read -r h; do echo $h | hex; done))" = $ROOT ] || echo "record $n is not proven"
done < $L/records.ndjson 3< $L/proofs.ndjson
echo "${log}: $(wc -l < $L/records.ndjson) records"
\`\`\`
${records > 1_000 ? '' : '\n`proof/<number>.tlog-proof` says the same for programs that read C2SP tlog-proof.\n'}`
}

function rangeText({ log, range, records }: BundleLog): string {
  return `### Its records, all of a range

\`records.ndjson\` holds numbers ${range?.from} to ${(range?.to ?? 0) - 1}, a record a line, byte for byte as they were sealed. The hash of each must stand at its number in the tiles (C2SP tlog-tiles), and each tile must lead to the root. So none was left out, put in, moved or changed${records > 1_000 ? ' (this takes long; \\`head\\` shortens it)' : ''}:

\`\`\`sh
mth() { if (($# == 1)); then echo $1; return; fi; local k=1; while ((k * 2 < $#)); do k=$((k * 2)); done; node $(mth "\${@:1:k}") $(mth "\${@:k+1}"); }
tile() {
  local n=$2 p; p=$(printf %03d $((n % 1000))) n=$((n / 1000))
  while ((n > 0)); do p=$(printf x%03d $((n % 1000)))/$p n=$((n / 1000)); done
  ls -d $L/tile/$1/$p $L/tile/$1/$p.p/* 2> /dev/null | grep -v '\\.p$' | head -n 1
}
hash() { tail -c +$(($3 * 32 + 1)) "$(tile $1 $2)" | head -c 32 | xxd -p -c 32; }
l=0 s=$SIZE r=
while ((s > 0)); do
  if ((s % 256)); then r=$(mth $(xxd -p -c 32 "$(tile $l $((s / 256)))") $r); fi
  s=$((s / 256)) l=$((l + 1))
done
[ "$r" = $ROOT ] && echo "tiles: the right edge leads to the root"
for t in $(cd $L/tile && find . -type f | grep -v '\\.p/' | cut -c3-); do
  l=\${t%%/*} n=$((10#$(cut -d/ -f2- <<< $t | tr -d x/)))
  [ "$(mth $(xxd -p -c 32 $L/tile/$t))" = "$(hash $((l + 1)) $((n / 256)) $((n % 256)))" ] || echo "tile $t does not lead to the root"
done
n=${range?.from}
while IFS= read -r record; do
  [ "$(leaf "$record")" = "$(hash 0 $((n / 256)) $((n % 256)))" ] || echo "record $n is not what was sealed"
  n=$((n + 1))
done < $L/records.ndjson
echo "${log}: records up to, and without, number $n"
\`\`\`
`
}

function stampsText({ log, timestamps }: BundleLog): string {
  if (timestamps.length === 0) return '### Its time\n\nNo RFC 3161 time stamp of this log covers these records yet.\n'
  return `### Its time

Each folder below \`timestamp\` holds the text of a checkpoint that a time-stamping authority stamped (RFC 3161), the token, its certificates and revocation lists. With the authority's root certificate, from elsewhere, as \`root.pem\`:

    openssl ts -verify -token_in -in token.tst -data checkpoint.txt -untrusted chain.pem -CAfile root.pem

It covers every record whose number is below the size in \`checkpoint.txt\`. \`consistency\` proves that the stamped checkpoint and the one above are one history (RFC 9162, 2.1.4.2):

\`\`\`sh
grown() {
  local old=$1 r1=$2 new=$3 fn=$(($1 - 1)) sn=$(($3 - 1)) a b p; shift 3
  if ((old == new)); then echo $r1 $r1; return; fi
  ((old & (old - 1))) || set -- $r1 "$@"
  while ((fn % 2)); do fn=$((fn / 2)) sn=$((sn / 2)); done
  a=$1 b=$1; shift
  for p in "$@"; do
    if ((sn == 0)); then echo too long; return; fi
    if ((fn % 2 || fn == sn)); then
      a=$(node $p $a) b=$(node $p $b); while ((fn % 2 == 0 && fn > 0)); do fn=$((fn / 2)) sn=$((sn / 2)); done
    else b=$(node $b $p); fi
    fn=$((fn / 2)) sn=$((sn / 2))
  done
  ((sn == 0)) || a="too short"
  echo $a $b
}
for f in $L/timestamp/*/; do
  size=$(sed -n 2p $f/checkpoint.txt) root=$(sed -n 3p $f/checkpoint.txt | hex)
  proof=$(while read -r h; do echo $h | hex; done < $f/consistency)
  if ((size <= SIZE)); then two="$root $ROOT"; got=$(grown $size $root $SIZE $proof); else two="$ROOT $root"; got=$(grown $SIZE $ROOT $size $proof); fi
  [ "$got" = "$two" ] && echo "${log}: stamped at $size records, the same history" || echo "${log}: the stamp at $size records is of another history"
done
\`\`\`
`
}

/** Text a stranger chose, fit to stand in Markdown. */
export function printable(text: string): string {
  return text.replace(/[^\p{L}\p{N} .,:;@/_+()=-]/gu, '?').slice(0, 200)
}

/** How what is said of erased values is checked. */
const ERASED = `
## What was erased

An erased value names the erasure it went under; \`certificates/<id>.json\` is its certificate, once it is complete. It holds two records of the server's own log, with their proofs (as in \`proof/\`): that the erasure began, and that it was done. The second one has the SHA-256 of the certificate; the certificate names each value by log, number, place and digest.

\`\`\`sh
for c in certificates/*.json; do
  [ -e "$c" ] || continue
  jq -r '.completed.record' "$c" | jq -r '.data.certificate' | grep -q -x -F -- "sha256:$(jq -cS .certificate "$c" | tr -d '\\n' | sha256sum | cut -c1-64)" || echo "$c is not what was sealed"
done
for f in log/*/fields.ndjson; do
  [ -e "$f" ] || continue
  log=\${f#log/} log=\${log%/fields.ndjson}
  jq -r --arg log "$log" '.index as $i | .fields[] | select(.certificate) | "\\(.certificate) \\($log) \\($i) \\(.path) \\(.digest)"' "$f" | while read -r id value; do
    [ -e "certificates/$id.json" ] || { echo "certificate $id is not in this file: ask for it"; continue; }
    jq -r '.certificate.records[] | "\\(.log) \\(.index)" as $at | .fields[] | "\\($at) \\(.path) \\(.digest)"' "certificates/$id.json" | grep -q -x -F -- "$value" || echo "certificate $id does not name $value"
  done
done
echo "certificates: done"
\`\`\`

The proofs of its two records are checked as those of any record; \`sealtrail-verify certificates/ID.json --key VKEY\` does all of it. That the values are gone is what the server's log says; no file can show that no copy is left.
`
