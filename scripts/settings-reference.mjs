// Writes docs/reference/settings.md from the settings schema. Run after a build.
import { mkdirSync, writeFileSync } from 'node:fs';
import { settingsReference } from '../dist/config/index.js';

mkdirSync('docs/reference', { recursive: true });
writeFileSync('docs/reference/settings.md', settingsReference());
