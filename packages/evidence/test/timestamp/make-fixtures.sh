#!/usr/bin/env bash
# Makes fixtures.json anew with OpenSSL 3: certificates, lists, queries and tokens of throw-away authorities, base64 by name.
# The keys are thrown away with the folder. Run it in any folder; the tests need what it made, not OpenSSL.
set -euo pipefail
OUT=$(cd "$(dirname "$0")" && pwd)/fixtures.json
D=$(mktemp -d); trap 'rm -rf "$D"' EXIT; cd "$D"
quiet() { "$@" 2>>log || { cat log >&2; exit 1; }; }
TST=1.2.840.113549.1.9.16.1.4

cat > ca.cnf <<'CONF'
[ca]
default_ca = d
[d]
dir = .
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir
default_md = sha256
policy = any
unique_subject = no
default_crl_days = 3650
[any]
commonName = supplied
organizationName = optional
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[middle]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
extendedKeyUsage = timeStamping
[tsa]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:http://crl.example/root.crl
[code]
basicConstraints = critical,CA:false
extendedKeyUsage = codeSigning
[soft]
basicConstraints = critical,CA:false
extendedKeyUsage = timeStamping
[both]
basicConstraints = critical,CA:false
extendedKeyUsage = critical,timeStamping,codeSigning
CONF
echo 1001 > serial; echo 01 > crlnumber; : > index.txt; echo 01 > tsserial

key() { # NAME KIND
  case $2 in
    rsa) quiet openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    *) quiet openssl genpkey -algorithm ec -pkeyopt "ec_paramgen_curve:$2" -out "$1.key" ;;
  esac
}
issue() { # NAME KIND ISSUER EXTENSIONS [START END]
  key "$1" "$2"
  quiet openssl req -new -config ca.cnf -key "$1.key" -subj "/O=Sealtrail tests/CN=$1" -out "$1.csr"
  quiet openssl ca -batch -notext -config ca.cnf -cert "$3.pem" -keyfile "$3.key" -in "$1.csr" -out "$1.pem" -extensions "$4" \
    -startdate "${5:-20250101000000Z}" -enddate "${6:-20991231235959Z}" -preserveDN
}
key root P-256
quiet openssl req -new -config ca.cnf -key root.key -subj "/O=Sealtrail tests/CN=root" -out root.csr
quiet openssl ca -batch -notext -config ca.cnf -selfsign -keyfile root.key -in root.csr -out root.pem -extensions root -startdate 20250101000000Z -enddate 20991231235959Z
issue middle P-384 root middle
issue rsa rsa root tsa
issue ec384 P-384 root tsa
issue below P-256 middle tsa
issue revoked P-256 root tsa
issue expired P-256 root tsa 20250101000000Z 20250201000000Z
issue code rsa root code
issue soft P-256 root soft
issue both P-256 root both

printf 'log.example/calls\n12\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n' > text
quiet openssl ts -query -data text -sha256 -cert -out query.tsq
quiet openssl ts -query -data text -sha1 -cert -out sha1.tsq

stamp() { # OUT SIGNER CHAIN ESS-ALGORITHM [QUERY] [WHOLE-CHAIN]
  cat > ts.cnf <<CONF
[tsa]
default_tsa = t
[t]
dir = .
serial = ./tsserial
crypto_device = builtin
signer_cert = ./$2.pem
certs = ./$3.pem
signer_key = ./$2.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
other_policies = 1.3.6.1.4.1.99999.2
digests = sha1, sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_chain = ${6:-no}
ess_cert_id_alg = $4
CONF
  quiet openssl ts -reply -config ts.cnf -queryfile "${5:-query.tsq}" -out "$1.tsr"
}
stamp rsa rsa root sha256
stamp ec384 ec384 root sha384
stamp below below middle sha256
stamp chain below middle sha256 query.tsq yes
stamp essv1 rsa root sha1
stamp revoked revoked root sha256
stamp sha1 rsa root sha256 sha1.tsq
stamp refused rsa root sha256 /dev/null || true

# What `openssl ts` would not make: tokens as plain CMS over the same TSTInfo.
quiet openssl ts -reply -in rsa.tsr -token_out -out rsa.tst
quiet openssl cms -verify -noverify -inform DER -in rsa.tst -out info
plain() { # OUT SIGNER MORE…
  local out=$1 signer=$2; shift 2
  quiet openssl cms -sign -binary -nodetach -nosmimecap -econtent_type $TST -in info -signer "$signer.pem" -inkey "$signer.key" -md sha256 -outform DER -out "$out.tst" "$@"
}
plain no-ess rsa
plain pss rsa -cades -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest
plain key-id rsa -cades -keyid
plain streamed rsa -cades -stream
plain wrong-eku code
plain wrong-eku-ess code -cades
plain soft-eku soft -cades
plain two-ekus both -cades
plain expired expired -cades
plain sha1-signature rsa -cades -md sha1

quiet openssl ca -config ca.cnf -cert root.pem -keyfile root.key -gencrl -out clean.crl
quiet openssl ca -config ca.cnf -cert root.pem -keyfile root.key -revoke revoked.pem -crl_reason keyCompromise
quiet openssl ca -config ca.cnf -cert root.pem -keyfile root.key -gencrl -out revoking.crl
for crl in clean revoking; do quiet openssl crl -in $crl.crl -outform DER -out $crl.der; done
for pem in root middle rsa; do quiet openssl x509 -in $pem.pem -outform DER -out $pem.der; done

{
  echo '{'
  for file in text query.tsq root.der middle.der rsa.der clean.der revoking.der *.tsr no-ess.tst pss.tst key-id.tst streamed.tst wrong-eku.tst wrong-eku-ess.tst soft-eku.tst two-ekus.tst expired.tst sha1-signature.tst; do
    printf '  "%s": "%s",\n' "$file" "$(base64 -w0 < "$file")"
  done
  printf '  "made by": "%s"\n' "$(openssl version | base64 -w0)"
  echo '}'
} > "$OUT"
wc -c "$OUT"
