import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'artifacts/', 'data/', '**/fixtures/'] },
  ...tseslint.configs.recommended,
  { languageOptions: { parserOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } } },
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
      'max-params': ['error', 3],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },
  { files: ['**/*.ts'], rules: { 'max-lines': ['error', { max: 400 }] } },
  {
    files: ['**/*.spec.ts', 'test/**', '**/testing/**', 'scripts/**'],
    rules: { 'max-lines': ['error', { max: 600 }], 'max-lines-per-function': 'off', 'no-console': 'off' },
  },
);
