/**
 * The codes by which WeChat writes its own faces in texts, and the emoji that comes nearest. A text of a customer holds the code alone,
 * which nobody can read. Faces that WeChat writes as words (`[Facepalm]`, `[旺柴]`) stay as they are. Source: the list of codes in
 * several public clients; the emoji are our choice.
 */
const FACES: Readonly<Record<string, string>> = {
  '/::)': '🙂', '/::~': '😟', '/::B': '😍', '/::|': '😶', '/:8-)': '😎', '/::<': '😭', '/::$': '☺️', '/::X': '🤐',
  '/::Z': '😴', "/::'(": '😢', '/::-|': '😅', '/::@': '😡', '/::P': '😜', '/::D': '😁', '/::O': '😲', '/::(': '🙁',
  '/::+': '😎', '/:--b': '😰', '/::Q': '😫', '/::T': '🤮', '/:,@P': '🤭', '/:,@-D': '😊', '/::d': '🙄', '/:,@o': '😤',
  '/::g': '😋', '/:|-)': '😪', '/::!': '😱', '/::L': '😓', '/::>': '😄', '/::,@': '😌', '/:,@f': '💪', '/::-S': '🤬',
  '/:?': '❓', '/:,@x': '🤫', '/:,@@': '😵', '/::8': '🤪', '/:,@!': '😞', '/:!!!': '💀', '/:xx': '🔨', '/:bye': '👋',
  '/:wipe': '😅', '/:dig': '🤏', '/:handclap': '👏', '/:&-(': '😳', '/:B-)': '😏', '/:<@': '😤', '/:@>': '😤', '/::-O': '🥱',
  '/:>-|': '😒', '/:P-(': '🥺', "/::'|": '😿', '/:X-)': '😈', '/::*': '😘', '/:@x': '😨', '/:8*': '🥺', '/:pd': '🔪',
  '/:<W>': '🍉', '/:beer': '🍺', '/:basketb': '🏀', '/:oo': '🏓', '/:coffee': '☕', '/:eat': '🍚', '/:pig': '🐷', '/:rose': '🌹',
  '/:fade': '🥀', '/:showlove': '💋', '/:heart': '❤️', '/:break': '💔', '/:cake': '🎂', '/:li': '⚡', '/:bome': '💣', '/:kn': '🗡️',
  '/:footb': '⚽', '/:ladybug': '🐞', '/:shit': '💩', '/:moon': '🌙', '/:sun': '🌞', '/:gift': '🎁', '/:hug': '🤗', '/:strong': '👍',
  '/:weak': '👎', '/:share': '🤝', '/:v': '✌️', '/:@)': '🙏', '/:jj': '👉', '/:@@': '✊', '/:bad': '👎', '/:lvu': '🤟',
  '/:no': '🙅', '/:ok': '👌', '/:love': '💑', '/:<L>': '😘', '/:jump': '💃', '/:shake': '🥶', '/:<O>': '😠', '/:circle': '💫',
  '/:kotow': '🙇', '/:turn': '🔙', '/:skip': '🤸', '/:oY': '🏳️', '/:#-0': '🤩', '/:hiphot': '🕺', '/:kiss': '💏', '/:<&': '☯️',
  '/:&>': '☯️',
}; // prettier-ignore

/** Codes begin with each other (`/::-|`, `/::-S`): the longest one counts. */
const ANY = new RegExp(
  Object.keys(FACES)
    .sort((a, b) => b.length - a.length)
    .map((code) => code.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|'),
  'g',
);

/** A text with WeChat's codes of faces as emoji. */
export function withEmoji(text: string): string {
  return text.includes('/:') ? text.replace(ANY, (code) => FACES[code] ?? code) : text;
}
