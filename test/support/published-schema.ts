import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** Checks a value against a schema that the gateway publishes under `/schemas/`; returns what is wrong with it. */
export async function schemaFaults(gatewayUrl: string, name: string): Promise<(value: unknown) => unknown[]> {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  const validate = (await compile(ajv, `${gatewayUrl}/schemas/${name}`)) as ValidateFunction;
  return (value) => (validate(value) ? [] : (validate.errors ?? []));
}

async function compile(ajv: Ajv2020, url: string): Promise<ValidateFunction> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} was answered ${answer.status}`);
  return ajv.compile((await answer.json()) as object);
}
