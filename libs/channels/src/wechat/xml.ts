import { MalformedRequest } from '#transport';
import { MAX_DEPTH, newFields, type Fields } from './fields.js';

const START = /^\s*(?:<\?xml [^<>]{0,200}\?>\s*)?<xml>/;
const TAG = /<(\/?)([A-Za-z_][\w.-]{0,99})(\/?)>/y;
const ENTITY = /&(#x[0-9a-f]{1,6}|#\d{1,7}|amp|lt|gt|quot|apos);/gi;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Reads the XML of a callback: elements within `<xml>`, texts and CDATA, nothing else. There are no attributes, comments or processing
 * instructions, and above all no document type: outside CDATA every `<!` is refused as it stands, so no entity can be declared. An
 * element that comes twice is refused, but that lists (elements within elements) keep the first of each name. Linear in its length.
 * Throws `MalformedRequest`.
 */
export function readXml(text: string): Fields {
  const start = START.exec(text);
  if (!start) throw malformed();
  return new Reader(text, start[0].length).read();
}

interface Open {
  readonly name: string;
  readonly path: string;
  value: string;
  nested: boolean;
}

class Reader {
  private readonly fields = newFields();
  private readonly open: Open[] = [{ name: 'xml', path: '', value: '', nested: true }];

  constructor(
    private readonly text: string,
    private at: number,
  ) {}

  read(): Fields {
    while (this.open.length > 0) this.step(this.open[this.open.length - 1]!);
    if (this.text.slice(this.at).trim() !== '') throw malformed();
    return this.fields;
  }

  private step(inside: Open): void {
    const next = this.text.indexOf('<', this.at);
    if (next < 0) throw malformed();
    if (next > this.at) inside.value += decoded(this.text.slice(this.at, next));
    this.at = next;
    if (this.text.startsWith('<![CDATA[', next)) return this.cdata(inside);
    TAG.lastIndex = next;
    const [tag, closes, name = '', empty] = TAG.exec(this.text) ?? [];
    if (tag === undefined || (closes && empty)) throw malformed();
    this.at = next + tag.length;
    if (closes) return this.close(inside, name);
    this.begin(inside, name);
    if (empty) this.close(this.open[this.open.length - 1]!, name);
  }

  private cdata(inside: Open): void {
    const end = this.text.indexOf(']]>', this.at);
    if (end < 0) throw malformed();
    inside.value += this.text.slice(this.at + 9, end);
    this.at = end + 3;
  }

  private begin(inside: Open, name: string): void {
    if (this.open.length > MAX_DEPTH) throw malformed();
    inside.nested = true;
    this.open.push({ name, path: inside.path === '' ? name : `${inside.path}.${name}`, value: '', nested: false });
  }

  private close(inside: Open, name: string): void {
    if (inside.name !== name) throw malformed();
    this.open.pop();
    if (inside.path === '') return;
    const repeated = inside.path in this.fields;
    if (repeated && this.open.length === 1) throw malformed();
    if (!repeated) this.fields[inside.path] = inside.nested ? '' : inside.value;
  }
}

function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(ENTITY, (_all, name: string) => {
    if (!name.startsWith('#')) return NAMED[name.toLowerCase()] ?? '';
    const point = Number(name.replace('#', '').replace(/^x/i, '0x'));
    return point > 0x10ffff ? '\uFFFD' : String.fromCodePoint(point);
  });
}

function malformed(): MalformedRequest {
  return new MalformedRequest('the body is no XML of the documented form');
}
