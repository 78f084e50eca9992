import { describeWithPostgres } from '../support/index.js';
import { crashRounds } from './rounds.js';
import { Scene } from './scene.js';

describeWithPostgres(
  'crashes',
  (postgres) => crashRounds('postgres', async () => Scene.open({ url: await postgres.database() })),
  { durable: true },
);
