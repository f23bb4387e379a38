import { propagation } from '@opentelemetry/api';
import { InstrumentationBase, type InstrumentationConfig } from '@opentelemetry/instrumentation';
import { startCapture } from '../capture/start-capture.ts';
import type { CaptureOptions } from '../capture/types.ts';
import { createClowderEnricher } from '../enrichment/clowder-enricher.ts';
import { observeStats } from '../enrichment/stats.ts';
import type { Enricher } from '../enrichment/types.ts';
import { SCOPE } from '../telemetry/scope.ts';
import type { ServerTelemetry } from '../telemetry/server-request.ts';
import { createServerTelemetry } from '../telemetry/server-telemetry.ts';
import type { Exchange } from './exchange.ts';
import { propagateThroughFetch } from './fetch-propagation.ts';
import { observeServers, type Arrival } from './server-emit.ts';
import { enrichmentSettings, type EnrichSettings } from './enrich-settings.ts';
import { callerTrust, captureOptions, type CaptureSettings } from './settings.ts';

export interface ClowderInstrumentationConfig extends InstrumentationConfig, CaptureSettings {
  /**
   * Whether and how to complete events by asking Clowder; false: never. @default as CLOWDER_ENRICH says, which is off by
   * default
   */
  readonly enrich?: EnrichSettings | false;
}

/**
 * Captures Clowder's API calls and pages from the node:http, node:https and node:http2 servers of this process. It sets
 * attributes of the server span, and sends domain events as log records to the logger provider. With
 * `@opentelemetry/instrumentation-http` it adds to that server span; without, it starts its own.
 *
 * @example new NodeSDK({ instrumentations: [new ClowderInstrumentation({ clowder: 'v2' }), new HttpInstrumentation()] })
 */
export class ClowderInstrumentation extends InstrumentationBase<ClowderInstrumentationConfig> {
  // `declare`: the base constructor calls methods that set these, and field initialisers would then reset them.
  declare private options: CaptureOptions | undefined;
  /** null: off. */
  declare private enricher: Enricher | null | undefined;
  declare private telemetry: ServerTelemetry | undefined;
  declare private stopObserving: (() => void) | undefined;

  constructor(config: ClowderInstrumentationConfig = {}) {
    super(SCOPE, '', config);
  }

  override setConfig(config: ClowderInstrumentationConfig): void {
    super.setConfig(config);
    this.flush();
    this.options = undefined;
    this.enricher = undefined;
    this.telemetry = undefined;
  }

  override enable(): void {
    super.enable();
    this.stopObserving ??= observeServers((arrival) => this.observe(arrival));
  }

  override disable(): void {
    super.disable();
    this.stopObserving?.();
    this.stopObserving = undefined;
    this.flush();
  }

  /** Sends events that wait for look-ups at once. Call it before the SDK is shut down. */
  flush(): void {
    this.enricher?.release();
  }

  /** Servers are patched through their prototypes, so no module is hooked. */
  protected override init(): void {}

  override setTracerProvider(...args: Parameters<InstrumentationBase['setTracerProvider']>): void {
    super.setTracerProvider(...args);
    this.telemetry = undefined;
  }

  override setLoggerProvider(...args: Parameters<InstrumentationBase['setLoggerProvider']>): void {
    super.setLoggerProvider(...args);
    this.telemetry = undefined;
  }

  protected override _updateMetricInstruments(): void {
    this.telemetry = undefined;
  }

  private observe(arrival: Arrival): Exchange | undefined {
    try {
      const head = arrival.head();
      if (head === undefined) return undefined;
      const capture = startCapture(head, this.captureOptions());
      if (capture.mayBeEvent) propagateThroughFetch();
      return arrival.observe({
        telemetry: this.serverTelemetry(),
        head,
        capture,
        onError: (error) => this._diag.error('a request could not be captured', error),
      });
    } catch (error) {
      this._diag.error('a request could not be captured', error);
      return undefined;
    }
  }

  private captureOptions(): CaptureOptions {
    this.options ??= captureOptions(this.getConfig(), process.env, this.warn);
    return this.options;
  }

  private createEnricher(): Enricher | null {
    const { clowder } = this.captureOptions();
    const settings = enrichmentSettings(this.getConfig().enrich, clowder, process.env, this.warn);
    return settings === undefined || clowder === 'auto' ? null : createClowderEnricher(clowder, settings);
  }

  private get warn(): (message: string) => void {
    return (message) => this._diag.warn(message);
  }

  private serverTelemetry(): ServerTelemetry {
    if (this.telemetry !== undefined) return this.telemetry;
    const enricher = (this.enricher ??= this.createEnricher()) ?? undefined;
    if (enricher !== undefined) observeStats(this.meter, enricher.stats);
    this.telemetry = createServerTelemetry({
      tracer: this.tracer,
      logger: this.logger,
      meter: this.meter,
      propagator: propagation,
      trusts: callerTrust(this.getConfig(), process.env, this.warn),
      enricher,
      onError: (error) => this._diag.error('a request could not be reported', error),
    });
    return this.telemetry;
  }
}
