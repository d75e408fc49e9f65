import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  // bin/twist.js is one import of the bundle: nothing to check, and the bundle is not ours to check.
  {
    ignores: [
      'bin/',
      'dist/',
      'node_modules/',
      '.tap/',
      '.autobahn/',
      '.venv/',
      '.bench/',
      '.packaging/',
      'reports/',
    ],
  },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      complexity: ['error', 14],
      'max-depth': ['error', 4],
      'max-lines': ['warn', { max: 400, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
      'no-console': 'error',
      // Numbers in template literals are what they look like.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Named tables are easier to read with bracket access where the key holds a hyphen.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // With noUncheckedIndexedAccess the hot path says so wherever it indexes a typed array in bounds.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // The hot path indexes typed arrays in plain loops.
      '@typescript-eslint/prefer-for-of': 'off',
    },
  },
  {
    // Regular expressions on bytes that a peer sends are how parsers become slow (CVE-2021-32640):
    // the wire is parsed by hand, in one pass.
    files: [
      'src/net/byte-table.ts',
      'src/net/ip-address.ts',
      'src/protocol/**',
      'src/extensions/**',
      'src/handshake/**',
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'Literal[regex]', message: 'no regular expression on wire input' },
        {
          selector: 'NewExpression[callee.name="RegExp"]',
          message: 'no regular expression on wire input',
        },
      ],
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/cli/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'process is only used in src/cli' },
      ],
    },
  },
  {
    files: ['test/**', 'bench/**', '**/*.mjs', '*.js'],
    rules: {
      'max-lines': 'off',
      'no-console': 'off',
      // tap's t.test returns a promise that tap itself awaits.
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
);
