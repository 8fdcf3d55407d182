// The environment that programs get which are started here (git with its hooks, helpers, commands of a person): not the
// variables of which the settings say that they hold private keys, whatever they are called.

type Environment = Readonly<Record<string, string | undefined>>;

/** `apps` as the settings have them: a key stands in a file or in a variable. */
export function withoutPrivateKeys(
  env: Environment,
  apps: Readonly<Record<string, { privateKeyVariable?: string | undefined }>>,
): Environment {
  const names = new Set(Object.values(apps).map(({ privateKeyVariable }) => privateKeyVariable));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)));
}
