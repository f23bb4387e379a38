import { webhookHarness } from '../../support/sinks/webhook-server.ts';
import { sinkContract } from './contract.ts';

sinkContract(webhookHarness);
