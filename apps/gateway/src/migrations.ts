import { Store1700000000002 } from '#conversations';
import { Identity1700000000001 } from '#identity';

/** Everything that makes and changes tables, oldest first. */
export const MIGRATIONS = [Identity1700000000001, Store1700000000002];
