import { matomoHarness } from '../../support/sinks/matomo-server.ts';
import { sinkContract } from './contract.ts';

sinkContract(matomoHarness);
