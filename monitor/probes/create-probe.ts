import type { PlannedProbe } from '../config/config.ts';
import type { Probe } from '../reading.ts';
import { diskProbe, fileWriteProbe } from './disk.ts';
import { downloadProbe, httpProbe } from './http.ts';
import { pingProbe } from './ping.ts';
import { rabbitmqProbe } from './rabbitmq.ts';
import { tcpProbe } from './tcp.ts';

/** The probe that the settings describe. */
export function createProbe(settings: PlannedProbe): Probe {
  switch (settings.type) {
    case 'http':
      return httpProbe(settings);
    case 'download':
      return downloadProbe(settings);
    case 'tcp':
      return tcpProbe(settings);
    case 'rabbitmq':
      return rabbitmqProbe(settings);
    case 'disk':
      return diskProbe(settings);
    case 'file_write':
      return fileWriteProbe(settings);
    case 'ping':
      return pingProbe(settings);
  }
}
