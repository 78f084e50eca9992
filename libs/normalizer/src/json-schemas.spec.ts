import { describe, expect, it } from '@jest/globals';
import { jsonSchemas } from './json-schemas.js';

interface Schema {
  readonly $schema?: string;
  readonly $ref?: string;
  readonly $defs?: Record<string, Schema & { required?: string[]; additionalProperties?: unknown }>;
}

const schemas = Object.entries(jsonSchemas()) as [string, Schema][];

describe('jsonSchemas', () => {
  it('gives the model in a stable order', () => {
    expect(schemas.map(([name]) => name)).toEqual([
      'StreamEvent', 'EventData', 'Message', 'Part', 'Conversation', 'Contact', 'Handle', 'Failure',
      'ReplyInput', 'FirstMessageInput', 'InboundEvent',
    ]); // prettier-ignore
    expect(JSON.stringify(jsonSchemas())).toBe(JSON.stringify(jsonSchemas()));
  });

  it.each(schemas)('%s is draft 2020-12 and complete in itself', (_name, schema) => {
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    const refs = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name ?? '');
    expect(refs.filter((name) => schema.$defs?.[name] === undefined)).toEqual([]);
  });

  it('leaves room for fields to come where others read, and is closed where others write', () => {
    const of = (name: string): { required?: string[]; additionalProperties?: unknown } | undefined =>
      schemas.find(([key]) => key === name)?.[1].$defs?.[name];
    expect(of('Message')?.additionalProperties).toBeUndefined();
    expect(of('ReplyInput')?.additionalProperties).toBe(false);
    expect(of('Handle')?.required).toContain('proof');
  });
});
