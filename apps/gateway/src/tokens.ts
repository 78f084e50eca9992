/** Injection tokens of what is not a class of ours. */
export const DATABASE = Symbol('Database');
export const SETTINGS = Symbol('Settings');
export const LOGGER = Symbol('Logger');
