import { join } from 'node:path';

const swc = {
  swcrc: false,
  sourceMaps: 'inline',
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    keepClassNames: true,
  },
  module: { type: 'es6' },
};

/** What `npm run validate` runs: rooms without a database, and what holds for the house as a whole. */
const VALIDATED = [
  'libs/{normalizer,transport,mail,channels,helpdesk}/**/*.spec.ts',
  'config/**/*.spec.ts',
  'test/{architecture,docs,kit/public-surface}.spec.ts',
].map((glob) => join(import.meta.dirname, glob));

const shared = {
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/config', '<rootDir>/test'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^#config$': '<rootDir>/config/index.ts',
    '^#([a-z]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^#([a-z]+)/testing$': '<rootDir>/libs/$1/src/testing/index.ts',
    '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1'],
  },
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
};

export default {
  projects: [
    { ...shared, displayName: 'validated', testMatch: VALIDATED },
    { ...shared, displayName: 'whole', testMatch: ['**/*.spec.ts', ...VALIDATED.map((glob) => `!${glob}`)] },
  ],
  testTimeout: 60_000,
  maxWorkers: 2,
};
