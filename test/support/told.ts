import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { freePort } from './processes.ts';

/** A message received by a webhook. */
export interface HookCall {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** Accepts everything posted to it. */
export interface HookReceiver extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly HookCall[];
  /** Answers the next `calls` calls with 503. */
  refuse(calls: number): void;
}

export async function startHookReceiver(): Promise<HookReceiver> {
  const calls: HookCall[] = [];
  let refusing = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (refusing > 0) {
        refusing -= 1;
        response.writeHead(503).end();
        return;
      }
      const text = Buffer.concat(chunks).toString();
      calls.push({ headers: request.headers, text, body: JSON.parse(text) as Record<string, unknown> });
      response.end('ok');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    calls,
    refuse: (count) => void (refusing = count),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A mail as received, with its headers. */
export interface ReceivedMail {
  readonly to: readonly string[];
  readonly source: string;
}

/** A mail server that accepts every mail. */
export interface MailReceiver extends AsyncDisposable {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
}

export interface MailRules {
  /** An address that does not exist. */
  readonly refuses?: string;
  /** A mail that contains this is refused as spam. */
  readonly dislikes?: string;
}

const refusal = (responseCode: number, text: string): Error => Object.assign(new Error(text), { responseCode });

export async function startMailReceiver({ refuses, dislikes }: MailRules = {}): Promise<MailReceiver> {
  const mails: ReceivedMail[] = [];
  const server = await startSmtp({
    onRcptTo: ({ address }, _session, done) => (address === refuses ? done(refusal(550, 'no such user')) : done()),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const source = Buffer.concat(chunks).toString();
        if (dislikes !== undefined && source.includes(dislikes)) return done(refusal(554, 'looks like spam'));
        mails.push({ to: session.envelope.rcptTo.map((one) => one.address), source });
        done();
      });
    },
  });
  return { ...server, mails };
}

/** An SMTP server that behaves as its options say. */
export async function startSmtp(options: SMTPServerOptions): Promise<AsyncDisposable & { readonly url: string }> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: (_auth, _session, done) => done(null, { user: 'anybody' }),
    ...options,
  });
  server.on('error', () => undefined);
  const port = await freePort();
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  return {
    url: `smtp://monitor:m4ilpass@127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(resolve)),
  };
}
