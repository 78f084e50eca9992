// `node --import <this file> x.ts` runs our TypeScript sources without a build: threads that specs start.
import '../../../database/src/testing/typescript.mjs';
