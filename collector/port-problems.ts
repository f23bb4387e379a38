import { createServer } from 'node:http';
import { listen } from '../runtime/listener.ts';
import { ListenError } from '../runtime/listen-error.ts';
import type { Settings } from './config.ts';
import { isHeld } from './journal/data-dir.ts';

/**
 * The ports that a start could not listen on, a sentence each. A collector that runs in the same DATA_DIR holds its
 * ports rightly, so none are tried then.
 */
export async function portProblems(settings: Settings): Promise<readonly string[]> {
  if (isHeld(settings.DATA_DIR)) return [];
  const ports = [
    { port: settings.PORT, portSetting: 'PORT' },
    ...(settings.GRPC_PORT === 'off' ? [] : [{ port: settings.GRPC_PORT, portSetting: 'GRPC_PORT' }]),
  ];
  const found = await Promise.all(ports.map((one) => problemOf({ host: settings.HOST, ...one })));
  return found.flat();
}

async function problemOf(address: { host: string; port: number; portSetting: string }): Promise<readonly string[]> {
  try {
    const server = await listen(createServer(), address);
    await server.close();
    return [];
  } catch (error) {
    if (error instanceof ListenError) return [error.message];
    throw error;
  }
}
