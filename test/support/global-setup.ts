import type { TestProject } from 'vitest/node';
import { packPackage } from '../../tools/packed-package.ts';
import { MissingToolError, setUpTools } from '../../tools/setup.ts';
import { startRabbitNode } from './rabbitmq-node.ts';
import { answersOk, waitFor } from './wait-for.ts';

/**
 * Vitest's global set-up of the integration tests: checks the test tools and names a missing one in one line, packs the package
 * that the tests' programs run from, and starts one RabbitMQ node, in which each file has a virtual host.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  try {
    setUpTools('test');
  } catch (error) {
    if (error instanceof MissingToolError) delete error.stack;
    throw error;
  }
  packPackage();
  const node = await startRabbitNode({ management: true });
  await waitFor(() => answersOk(node.managementUrl), { what: 'the management API' });
  project.provide('rabbitmq', { url: node.url, managementUrl: node.managementUrl });
  return () => node.stop();
}
