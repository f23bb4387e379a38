import { expect, test } from 'vitest';
import { explainBrokerError } from './broker-error.ts';

const BROKER = 'amqp://u:***@h:5672';
const systemError = (message: string, code: string): Error => Object.assign(new Error(message), { code });
const OPENSSL =
  '40C3FC90EA7F0000:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../ssl/record/rec_layer_s3.c:918:SSL alert number 116\n';

test.each<[code: string, error: unknown, said: RegExp]>([
  ['access_refused', new Error('Handshake terminated by server: 403 (ACCESS-REFUSED)'), /refuses user or password/],
  [
    'vhost_refused',
    new Error('Connection closed: 530 (NOT-ALLOWED) with message "vhost x not found"'),
    /no such virtual host/,
  ],
  [
    'vhost_refused',
    new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'),
    /does not open the virtual host, and did not say why/,
  ],
  [
    'vhost_refused',
    new Error("Connection closed: 530 with message \"NOT_ALLOWED - access to vhost 'v' refused for user 'u'\""),
    /has no such virtual host, or the user may not use it: check the path of AMQP_URL .*refused for user 'u'/,
  ],
  [
    'vhost_down',
    new Error(
      "Connection closed: 541 with message \"INTERNAL_ERROR - access to vhost 'v' refused for user 'u': vhost 'v' is down\"",
    ),
    /has stopped the virtual host/,
  ],
  [
    'topology_mismatch',
    new Error('Channel closed by server: 406 (PRECONDITION-FAILED) with message "inequivalent arg \'type\'"'),
    /exists on amqp:\/\/u:\*\*\*@h:5672 with another type.*inequivalent arg/,
  ],
  [
    'topology_mismatch',
    new Error(
      "Channel closed by server: 406 (PRECONDITION-FAILED) with message \"PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'clowder.events' in vhost '/': received 'true' but current is 'false'\"",
    ),
    /exists on amqp:\/\/u:\*\*\*@h:5672 with other properties: clowder\.events must be a durable topic.*current is 'false'/,
  ],
  [
    'connection_limit',
    new Error(
      'Connection closed: 530 with message "NOT_ALLOWED - connection refused: node connection limit (5) is reached"',
    ),
    /takes no more connections/,
  ],
  [
    'connection_limit',
    new Error(
      'Connection closed: 530 with message "NOT_ALLOWED - number of channels opened for user \'u\' has reached the maximum allowed user limit of (1)"',
    ),
    /takes no more connections/,
  ],
  [
    'connection_limit',
    new Error(
      "Connection closed: 530 (NOT-ALLOWED) with message \"NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (0) is reached\"",
    ),
    /takes no more connections of this virtual host or user: raise its limit/,
  ],
  [
    'connection_limit',
    new Error(
      'Connection closed: 530 (NOT-ALLOWED) with message "NOT_ALLOWED - connection refused for user \'u\': user connection limit (1) is reached"',
    ),
    /takes no more connections/,
  ],
  [
    'permission_refused',
    new Error(
      "Channel closed by server: 403 (ACCESS-REFUSED) with message \"ACCESS_REFUSED - access to exchange 'clowder.events' in vhost '/' refused for user 'u'\"",
    ),
    /does not permit the user.*access to exchange/,
  ],
  [
    'precondition_failed',
    new Error(
      'Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - message size 2000 is larger than configured max size 1000"',
    ),
    /refuses what was asked of it.*message size 2000/,
  ],
  [
    'acknowledgement_timeout',
    new Error(
      'Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms"',
    ),
    /took back what was not acknowledged for too long/,
  ],
  ['connection_refused', systemError('connect ECONNREFUSED 127.0.0.1:5672', 'ECONNREFUSED'), /^Nobody listens at/],
  [
    'connection_refused',
    new AggregateError([systemError('connect ECONNREFUSED ::1:5672', 'ECONNREFUSED')], ''),
    /^Nobody listens at/,
  ],
  ['host_unknown', systemError('getaddrinfo ENOTFOUND h', 'ENOTFOUND'), /cannot be resolved/],
  ['connect_timeout', systemError('connect ETIMEDOUT', 'ETIMEDOUT'), /does not answer: is a firewall in between/],
  [
    'tls_failed',
    systemError('self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'),
    /AMQP_CA_FILE/,
  ],
  [
    'tls_failed',
    systemError(OPENSSL, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
    /^TLS with .* failed: tlsv13 alert certificate required \(ERR_SSL_\w+\)\. Check AMQP_CA_FILE/,
  ],
  [
    'connection_lost',
    new Error('Unexpected close'),
    /^The connection to amqp:\/\/u:\*\*\*@h:5672 was lost: Unexpected close$/,
  ],
  [
    'tls_failed',
    systemError(
      'write EPROTO 00E8:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number',
      'EPROTO',
    ),
    /does not answer with TLS: use its port for TLS \(5671 by default\), or amqp:/,
  ],
  // To a web server, and to a broker of AMQP 1.0 alone.
  ['not_amqp', new Error('Frame size 1345270062 exceeds maxFrameSize 67108864'), /does not speak AMQP 0-9-1/],
  ['not_amqp', new Error('Frame size 1342177536 exceeds maxFrameSize 67108864'), /is the port right\?/],
  [
    'connection_lost',
    new Error('Socket closed abruptly during opening handshake'),
    /closed the connection before AMQP began: is it RabbitMQ's port for AMQP, and not that for TLS/,
  ],
  ['connection_lost', 'no error at all', /no error at all$/],
])('%s: %s', (code, error, said) => {
  const explained = explainBrokerError(error, BROKER);
  expect(explained).toMatchObject({ code, cause: error });
  expect(explained.message).toMatch(said);
});
