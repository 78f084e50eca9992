export { type DatabasePlace } from './alone.js';
export { fill, NotEmpty, type EmptyDatabase } from './fill.js';
export { type SequenceValue, type TableShape } from './shape.js';
export { openSnapshot, type Piece, type Snapshot } from './snapshot.js';
