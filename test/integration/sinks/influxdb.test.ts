import { influxdbHarness } from '../../support/sinks/influxdb-server.ts';
import { sinkContract } from './contract.ts';

sinkContract(influxdbHarness);
