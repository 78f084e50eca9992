import type { Gateway } from '../support/index.js';

/** A value of `/metrics`; `name` may hold labels, as Prometheus writes them. Throws where it is not there. */
export async function metric({ url }: Pick<Gateway, 'url'>, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  if (line === undefined) throw new Error(`there is no ${name}`);
  return Number(line.slice(name.length + 1));
}
