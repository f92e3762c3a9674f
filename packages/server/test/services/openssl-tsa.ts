import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after } from 'node:test'

/** Why there is no OpenSSL that can stamp, or false. */
export function opensslMissing(): string | false {
  const { status, stdout } = spawnSync('openssl', ['version'], { encoding: 'utf8' })
  return status !== 0 ? 'openssl is not here' : /^OpenSSL [3-9]/.test(stdout) ? false : `openssl 3 is needed, here is ${stdout.trim()}`
}

const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const EXTENSIONS = {
  root: 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n',
  middle: 'basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n',
  tsa: 'basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n',
  code: 'basicConstraints=critical,CA:false\nextendedKeyUsage=critical,codeSigning\n',
} as const

/** Certificates and tokens of `openssl`, in a folder. */
export class OpensslTsa {
  readonly folder: string
  /** Requests of all its addresses go one at a time: serial number and files lie in one folder. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(folder: string) {
    this.folder = folder
    writeFileSync(this.at('serial'), '01\n')
  }

  at(name: string): string {
    return join(this.folder, name)
  }

  run(...args: string[]): string {
    return execFileSync('openssl', args, { cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** A certificate `NAME.pem` with its key, under `issuer` or by itself. @param kind of key: `rsa`, `P-256`, `P-384` */
  issue(name: string, kind: string, extensions: keyof typeof EXTENSIONS, issuer?: string): void {
    const options = kind === 'rsa' ? ['-algorithm', 'rsa', '-pkeyopt', 'rsa_keygen_bits:2048'] : ['-algorithm', 'ec', '-pkeyopt', `ec_paramgen_curve:${kind}`]
    this.run('genpkey', ...options, '-out', `${name}.key`)
    this.run('req', '-new', '-key', `${name}.key`, '-subj', `/O=Service tests/CN=${name}`, '-out', `${name}.csr`)
    writeFileSync(this.at(`${name}.ext`), EXTENSIONS[extensions])
    const signed = issuer === undefined ? ['-key', `${name}.key`] : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial']
    this.run('x509', '-req', '-in', `${name}.csr`, ...signed, '-days', '30', '-extfile', `${name}.ext`, '-out', `${name}.pem`)
  }

  /** Answers like `openssl ts -reply` with this certificate. */
  reply(signer: string, chain: string, query: Uint8Array): Promise<Uint8Array> {
    const file = `${signer}.cnf`
    writeFileSync(
      this.at(file),
      `[tsa]\ndefault_tsa=t\n[t]\ndir=.\nserial=./serial\ncrypto_device=builtin\nsigner_cert=./${signer}.pem\ncerts=./${chain}.pem\nsigner_key=./${signer}.key\nsigner_digest=sha256\ndefault_policy=1.3.6.1.4.1.99999.1\ndigests=sha256,sha384\naccuracy=secs:1\ntsa_name=yes\nordering=yes\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n`,
    )
    writeFileSync(this.at('query.tsq'), query)
    return new Promise((resolve, reject) => {
      execFile('openssl', ['ts', '-reply', '-config', file, '-section', 't', '-queryfile', 'query.tsq', '-out', 'reply.tsr'], { cwd: this.folder }, (error) =>
        error === null ? resolve(readFileSync(this.at('reply.tsr'))) : reject(error),
      )
    })
  }

  /** The TSTInfo of a good answer, signed again as plain CMS: with any certificate, and with ESS only when asked for. */
  async signAgain(signer: string, good: Uint8Array, ess: boolean): Promise<Uint8Array> {
    writeFileSync(this.at('good.tsr'), good)
    this.run('ts', '-reply', '-in', 'good.tsr', '-token_out', '-out', 'good.tst')
    this.run('cms', '-verify', '-noverify', '-inform', 'DER', '-in', 'good.tst', '-out', 'info')
    const more = ess ? ['-cades'] : []
    this.run(
      'cms',
      '-sign',
      '-binary',
      '-nodetach',
      '-nosmimecap',
      '-econtent_type',
      TST_INFO,
      '-in',
      'info',
      '-signer',
      `${signer}.pem`,
      '-inkey',
      `${signer}.key`,
      '-md',
      'sha256',
      '-outform',
      'DER',
      '-out',
      'again.tst',
      ...more,
    )
    this.run('ts', '-reply', '-in', 'again.tst', '-token_in', '-out', 'again.tsr')
    return readFileSync(this.at('again.tsr'))
  }

  /** What `openssl ts -verify` says. @returns null when it accepts, else its words */
  refuses(...args: string[]): string | null {
    const { status, stdout, stderr } = spawnSync('openssl', ['ts', '-verify', ...args], { cwd: this.folder, encoding: 'utf8' })
    return status === 0 && stdout.includes('Verification: OK') ? null : stderr
  }

  /** Listens on an address of its own. */
  async listen(answer: (query: Uint8Array) => Promise<Uint8Array>): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          this.#queue = this.#queue
            .then(() => answer(Buffer.concat(chunks)))
            .then(
              (reply) => response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(reply),
              (error) => response.writeHead(500).end(String(error)),
            )
        })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    after(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }
}
