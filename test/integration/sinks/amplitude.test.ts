import { amplitudeHarness } from '../../support/sinks/amplitude-server.ts';
import { sinkContract } from './contract.ts';

sinkContract(amplitudeHarness);
