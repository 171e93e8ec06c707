import { hideSecrets, isSecretName, rememberGiven } from '@crosscheck/contract';
import { expect, it } from 'vitest';

it('what a process was given is hidden in everything it says, whichever command it runs', () => {
  rememberGiven(['remote=http://someone:pw-Argument-1@host/x'], {
    TRACKER: 'http://someone:pw-Environment-2@host',
    AWS_SECRET_ACCESS_KEY: 'ky-Environment-3',
    USE_TOKEN: 'yes',
  });
  expect(hideSecrets('pw-Argument-1, pw-Environment-2 and ky-Environment-3: yes')).toBe('***, *** and ***: yes');
});

it('names of keys tell secrets from other values', () => {
  expect(['serve.api_key', 'password', 'X-Amz-Signature'].map(isSecretName)).toEqual([true, true, true]);
  expect(['serve.port', 'max_tokens', 'tokenizer'].map(isSecretName)).toEqual([false, false, false]);
});
