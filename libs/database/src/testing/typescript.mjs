// `node --import <this file> x.ts` runs our TypeScript sources without a build: threads and child processes of tests.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
