import { fileHarness } from '../../support/sinks/file.ts';
import { sinkContract } from './contract.ts';

sinkContract(fileHarness);
