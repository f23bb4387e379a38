import type { Planned } from '../config/config.ts';
import type { Probe } from '../reading.ts';
import { certificateError, openConnection, readCa } from './connection.ts';
import { round } from './milliseconds.ts';

/** Whether something listens on a port. */
export function tcpProbe(settings: Planned<'tcp'>): Probe {
  const { host, port, tls = false, ca_file: caFile } = settings;
  const target = `${host}:${port}`;
  return {
    target,
    async run(signal) {
      const ca = readCa(caFile);
      const { socket, dnsMs, connectMs, tlsMs, certificate } = await openConnection({ host, port, tls, ca, signal });
      socket.destroy();
      const error = certificateError(certificate, settings);
      return [
        {
          target,
          healthy: error === undefined,
          error,
          measures: {
            response_time_ms: round((dnsMs ?? 0) + connectMs + (tlsMs ?? 0)),
            dns_time_ms: dnsMs && round(dnsMs),
            connect_time_ms: round(connectMs),
            tls_time_ms: tlsMs && round(tlsMs),
            tls_days_left: certificate?.daysLeft,
          },
        },
      ];
    },
  };
}
