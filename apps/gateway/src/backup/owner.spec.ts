import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { keepingOwner } from './owner.js';

const NOBODY = 65_534;
const ANOTHER = 65_533;

it('what root makes in a folder of somebody else is given to that one, and nothing else is', async () => {
  const root = process.getuid?.() === 0;
  const folder = mkdtempSync(join(tmpdir(), 'owner-'));
  writeFileSync(join(folder, 'theirs'), '');
  if (root) chownSync(folder, NOBODY, NOBODY);
  if (root) chownSync(join(folder, 'theirs'), ANOTHER, ANOTHER);
  const giveBack = await keepingOwner(folder);
  mkdirSync(join(folder, 'made'));
  writeFileSync(join(folder, 'made', 'file'), '');
  await giveBack();
  const { uid } = statSync(folder);
  for (const name of ['made', 'made/file']) expect(statSync(join(folder, name)).uid).toBe(uid);
  expect(statSync(join(folder, 'theirs')).uid).toBe(root ? ANOTHER : uid);
  rmSync(folder, { recursive: true });
});
