// Tells example values from real secrets, so that documentation and templates are not held. Pure.

const EXAMPLE_VALUES = new Set(
  (
    'pass passwd password secret token key apikey api_key user username admin root postgres postgresql mysql redis ' +
    'mongo rabbitmq guest default none null undefined true false foo bar baz foobar qwerty letmein mypassword ' +
    'mysecret mytoken x-oauth-basic x-access-token oauth2 development production staging local localhost'
  ).split(' '),
);

const EXAMPLE_WORD =
  /(?:^|[^a-z])(?:example|sample|placeholder|change_?me|your|dummy|fake|todo|test|testing|redacted)(?:[^a-z]|$)/;
const TEMPLATE = /\$\{|\$\(|^\$|\$[A-Z_]{3,}|\{\{|^<.*>$|^\{.*\}$|%[A-Za-z_]+%|^@.*@$|\.\.\.|\*{3}|x{4}/i;
const MONOTONOUS = /^(.)\1*$|^0?1234567?8?9?0?$/;

/** Whether a value is an example, a template variable or nothing at all, and not a secret. */
export function isPlaceholder(value: string): boolean {
  const lower = value.toLowerCase();
  return (
    lower === '' ||
    EXAMPLE_VALUES.has(lower) ||
    TEMPLATE.test(value) ||
    MONOTONOUS.test(value) ||
    EXAMPLE_WORD.test(lower)
  );
}

const URL_PARTS = /^[^:]*:(?:[^:/]*:)?\/\/([^:/\s]*):([^@/\s]*)@([^/:?\s]+)/;
const EXAMPLE_HOST =
  /^(?:localhost|127\.0\.0\.1|0\.0\.0\.0|host|hostname|(?:.*\.)?example(?:\.(?:com|org|net))?|.*\.(?:test|invalid|local|localhost)|your[\w-]*(?:\..*)?|my(?:host|server|domain)(?:\.com)?)$/i;

/** Whether a URL with a user and password points nowhere real, or carries an example or default password. */
export function isExampleUrl(url: string): boolean {
  const parts = URL_PARTS.exec(url);
  if (!parts) return false;
  const [, user = '', password = '', host = ''] = parts;
  // `app:app@db`: the default of a container beside it, not a password of a server.
  const containerDefault = user === password && !host.includes('.');
  return EXAMPLE_HOST.test(host) || isPlaceholder(password) || containerDefault;
}
