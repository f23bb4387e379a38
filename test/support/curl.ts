import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { USER_AGENTS, type FormPart, type Got, type Sent } from '../stand-in/scenarios/scenario.ts';
import { tempDir } from './processes.ts';
import { toolPath } from './tools.ts';

/**
 * Sends one request with the real curl, in its own process.
 *
 * @param base scheme, host and port, without a trailing slash
 * @param headers in addition to the request's, e.g. `traceparent`
 * @throws Error with curl's message if there was no answer
 */
export async function curl(base: string, sent: Sent, headers: Readonly<Record<string, string>> = {}): Promise<Got> {
  const temp = await tempDir('curl');
  try {
    const headFile = join(temp.path, 'head');
    const args = ['-sS', '-g', '--path-as-is', '--compressed', '--max-time', '60', '-D', headFile, '-o', '-', '-N'];
    args.push(...methodOf(sent), ...headersOf(sent, headers), ...(await bodyOf(sent, temp.path)), base + sent.path);
    const body = await output(args, sent.leaveAfterBytes);
    return { ...head(await readFile(headFile, 'utf8')), text: body.toString(), bytes: body.length };
  } finally {
    await temp.remove();
  }
}

const methodOf = ({ method }: Sent): string[] => (method === 'HEAD' ? ['-I'] : ['-X', method]);

function headersOf({ agent, headers, json }: Sent, more: Readonly<Record<string, string>>): string[] {
  const all = {
    ...(agent !== undefined && agent !== 'curl' && { 'user-agent': USER_AGENTS[agent] }),
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...headers,
    ...more,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
}

async function bodyOf({ fields, json, parts }: Sent, dir: string): Promise<string[]> {
  if (json !== undefined) return ['--data-raw', JSON.stringify(json)];
  if (fields !== undefined) return ['--data-raw', new URLSearchParams(fields).toString()];
  return (await Promise.all((parts ?? []).map((part, index) => formPart(part, join(dir, `part-${index}`))))).flat();
}

async function formPart(part: FormPart, path: string): Promise<string[]> {
  if ('value' in part) return ['--form-string', `${part.name}=${part.value}`];
  await writeFile(path, Buffer.alloc(part.bytes, 'part '));
  const quoted = part.fileName.replace(/[\\"]/g, String.raw`\$&`);
  return ['-F', `${part.name}=@${path};type=${part.contentType};filename="${quoted}"`];
}

/** Curl's standard output; ends curl once enough bytes have arrived. */
async function output(args: readonly string[], leaveAfterBytes = Infinity): Promise<Buffer> {
  const child = spawn(toolPath('curl'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  let size = 0;
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= leaveAfterBytes) child.kill('SIGTERM');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0 && size < leaveAfterBytes) throw new Error(`curl ${args.join(' ')} ended with ${code}: ${said}`);
  return Buffer.concat(chunks);
}

/** The last head, as a 100 Continue may precede it. */
function head(text: string): Pick<Got, 'status' | 'headers'> {
  const [statusLine = '', ...lines] =
    text
      .trimEnd()
      .split(/\r?\n\r?\n/)
      .at(-1)
      ?.split(/\r?\n/) ?? [];
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(statusLine.split(' ')[1]), headers: new Map(pairs) };
}
