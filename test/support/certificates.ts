import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAYS = ['-days', '2'];

/** Paths of a certificate and its key, PEM. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority for one test. */
export interface Authority {
  /** Path of its certificate, PEM. */
  readonly ca: string;
  /** Signs a certificate for 127.0.0.1 and localhost, for servers and clients alike. */
  issue(name: string): Promise<CertificatePaths>;
  /** The same, for a certificate that expired long ago. */
  issueExpired(name: string): Promise<CertificatePaths>;
}

/** Makes an authority with openssl, in a directory that the caller removes. */
export async function createAuthority(dir: string, name: string): Promise<Authority> {
  const file = (what: string): string => join(dir, `${name}-${what}.pem`);
  const [ca, caKey, extensions] = [file('ca'), file('ca-key'), file('extensions')];
  await run('openssl', ['req', '-x509', ...KEY, '-keyout', caKey, '-out', ca, '-subj', `/CN=${name}`, ...DAYS]);
  await writeFile(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const request = async (subject: string): Promise<CertificatePaths & { readonly csr: string }> => {
    const [cert, key, csr] = [file(subject), file(`${subject}-key`), file(`${subject}-request`)];
    await run('openssl', ['req', ...KEY, '-keyout', key, '-out', csr, '-subj', `/CN=${subject}`]);
    return { cert, key, csr };
  };
  return {
    ca,
    issue: async (subject) => {
      const { cert, key, csr } = await request(subject);
      const signing = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-extfile', extensions, ...DAYS];
      await run('openssl', ['x509', '-req', '-in', csr, '-out', cert, ...signing]);
      return { cert, key };
    },
    issueExpired: async (subject) => {
      const { cert, key, csr } = await request(subject);
      // Only `openssl ca` can sign for a past period, and it needs a database.
      const [books, config] = [file(`${subject}-books`), file(`${subject}-config`)];
      const own = `database=${books}\nnew_certs_dir=${dir}\npolicy=any\ndefault_md=sha256\nrand_serial=yes`;
      await writeFile(books, '');
      await writeFile(config, `[ca]\ndefault_ca=own\n[own]\n${own}\n[any]\ncommonName=supplied\n`);
      const times = ['-startdate', '20200101000000Z', '-enddate', '20200103000000Z'];
      const signing = ['-cert', ca, '-keyfile', caKey, '-extfile', extensions, ...times];
      await run('openssl', ['ca', '-batch', '-notext', '-config', config, '-in', csr, '-out', cert, ...signing]);
      return { cert, key };
    },
  };
}
