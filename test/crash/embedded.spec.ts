import { crashRounds } from './rounds.js';
import { Scene } from './scene.js';

crashRounds('embedded', () => Scene.open('embedded'));
