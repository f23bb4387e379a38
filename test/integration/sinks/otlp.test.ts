import { otlpHarness } from '../../support/sinks/otlp-server.ts';
import { sinkContract } from './contract.ts';

sinkContract(otlpHarness);
