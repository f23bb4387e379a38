#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

// The reader may close the pipe early: `events list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

if (major < 22 || (major === 22 && minor < 16)) {
  process.stderr.write(`clowder-otel needs Node 22.16 or later; this is ${process.version}\n`);
  process.exitCode = 1;
} else {
  const { run } = await import('./program.ts');
  const code = await run(process.argv);
  // A failed command may leave a thread or a timer that keeps the process alive.
  if (code !== 0) process.exit(code);
}
