import { jsonSchemaOf, jsonSchemas } from '#normalizer';
import { ENDPOINTS } from '../controllers.js';
import { ContactExport } from '../schemas/privacy.js';
import { asyncApi } from './asyncapi.js';
import type { JsonObject } from './json.js';
import { openApi } from './openapi.js';

/** Version of the API, which is not that of the program. */
const API_VERSION = '1.0.0';

/** Every document of the reference, by its path below `docs/reference/` and, without that, below the gateway's root. */
export function referenceDocuments(): Record<string, JsonObject> {
  const all = { ...jsonSchemas(), ContactExport: jsonSchemaOf(ContactExport, 'output') };
  const schemas = Object.entries(all).map(([name, schema]) => [`schemas/${name}.json`, schema as JsonObject]);
  return {
    'openapi.json': openApi(ENDPOINTS, API_VERSION),
    'asyncapi.json': asyncApi(API_VERSION),
    ...Object.fromEntries(schemas),
  };
}

/** The committed copies below `docs/reference/`: path and text. What stands there and is not named here is not ours. */
export function referenceFiles(): Record<string, string> {
  const files = Object.entries(referenceDocuments());
  return Object.fromEntries(files.map(([path, document]) => [path, `${JSON.stringify(document, null, 2)}\n`]));
}
