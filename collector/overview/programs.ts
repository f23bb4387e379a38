import { errorText } from '../../runtime/error-text.ts';
import type { WatchedProgram } from './settings.ts';

/** The state of another of our programs, as it reports it. */
export interface ProgramState {
  readonly name: string;
  readonly url: string;
  /** Null while it has not been asked yet. */
  readonly ready: boolean | null;
  /** What is wrong; null if nothing is. */
  readonly reason: string | null;
  readonly at_ms: number | null;
  /** The JSON of its `/readyz`. */
  readonly said: unknown;
}

const EVERY_MS = 15_000;
const ANSWER_MS = 5_000;
/** Larger than any `/readyz` of our programs. */
const SAID_MAX = 64 * 1024;

/** Regularly asks the programs that the operator named for `/readyz`: proxies, monitors, sinks. */
export class ProgramWatch {
  readonly #programs: readonly WatchedProgram[];
  readonly #now: () => number;
  readonly #known = new Map<string, ProgramState>();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(programs: readonly WatchedProgram[], now: () => number) {
    this.#programs = programs;
    this.#now = now;
    if (programs.length === 0) return;
    void this.askAll();
    this.#timer = setInterval(() => void this.askAll(), EVERY_MS).unref();
  }

  get state(): readonly ProgramState[] {
    return this.#programs.map(
      ({ name, url }) => this.#known.get(name) ?? { name, url, ready: null, reason: null, at_ms: null, said: null },
    );
  }

  async askAll(): Promise<void> {
    await Promise.all(this.#programs.map((program) => this.#ask(program)));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #ask({ name, url }: WatchedProgram): Promise<void> {
    const answered = await readiness(url).catch((error: unknown) => ({
      ready: false,
      reason: `It does not answer: ${causeOf(error)}`,
      said: null,
    }));
    this.#known.set(name, { name, url, at_ms: this.#now(), ...answered });
  }
}

async function readiness(url: string): Promise<Pick<ProgramState, 'ready' | 'reason' | 'said'>> {
  const answer = await fetch(new URL('readyz', url.endsWith('/') ? url : `${url}/`), {
    signal: AbortSignal.timeout(ANSWER_MS),
    redirect: 'error',
  });
  const text = (await answer.text()).slice(0, SAID_MAX);
  const said = parse(text);
  if (answer.ok) return { ready: true, reason: null, said };
  return { ready: false, reason: reasonOf(said) ?? `It answers ${answer.status}`, said };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Every text of an answer that is named reason, problem or error, at any depth. */
function reasonOf(said: unknown): string | null {
  const reasons = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (/^(?:reason|problem|error)$/.test(name) && typeof inner === 'string') reasons.add(inner);
      else walk(inner);
    }
  };
  walk(said);
  return reasons.size === 0 ? null : [...reasons].join('. ');
}

/** The message `fetch failed` says nothing, but its cause does. */
const causeOf = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined ? errorText(error.cause) : errorText(error);
