import { SECRET_PARAMETERS } from '../../taxonomy/redaction.ts';

/** Names of parameters that hold a secret: the listed ones, and others by suffix, by prefix, in capitals, or as lists. */
export const SECRET_NAMES: readonly string[] = [
  ...SECRET_PARAMETERS,
  ...'access_token api-key my.key X-Amz-Signature X-Amz-Credential x-goog-signature client_secret passphrase apikey accesskey pass pwd userPwd_pwd KEY Key key[] key[0] amp;key new_password passwd credential'.split(' '), // prettier-ignore
];

/** Similar names that hold no secret. */
export const OTHER_NAMES: readonly string[] =
  'tracking version folder monkey tokens keyboard passage signed statement encode userid'.split(' ');
