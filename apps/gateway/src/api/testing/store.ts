import { Store1700000000002 } from '#conversations';
import { Identity1700000000001 } from '#identity';

/** What the suites of the API open their database with. */
export const STORE = { entities: [], migrations: [Identity1700000000001, Store1700000000002] };
