import { e164, nationalNumber } from '#normalizer';
import type { Address } from './message.js';
import type { SmsSmppConfig } from './sms-smpp.config.js';

const Ton = { unknown: 0, international: 1, national: 2, network: 3, name: 5 } as const;
const ISDN = 1;

type Numbers = Pick<
  SmsSmppConfig,
  'from' | 'numbers' | 'defaultCountry' | 'sourceTon' | 'sourceNpi' | 'destinationTon' | 'destinationNpi'
>;

/** Where messages come from, as the provider wants it written. */
export function sourceOf(config: Numbers): Address {
  const { from, sourceTon, sourceNpi } = config;
  const plain = from.startsWith('+') ? written(from, config) : nameOrCode(from);
  return { ...plain, ton: sourceTon ?? plain.ton, npi: sourceNpi ?? plain.npi };
}

/** A recipient in E.164, as the provider wants it written. */
export function destinationOf(number: string, config: Numbers): Address {
  const { destinationTon, destinationNpi } = config;
  const plain = written(number, config);
  return { ...plain, ton: destinationTon ?? plain.ton, npi: destinationNpi ?? plain.npi };
}

function nameOrCode(address: string): Address {
  return { ton: /^\d+$/.test(address) ? Ton.network : Ton.name, npi: 0, address };
}

function written(number: string, { numbers, defaultCountry }: Numbers): Address {
  const home = numbers === 'national' ? nationalNumber(number) : null;
  if (home !== null && e164(home, defaultCountry) === number) return { ton: Ton.national, npi: ISDN, address: home };
  return { ton: Ton.international, npi: ISDN, address: numbers === 'plus' ? number : number.slice(1) };
}

/** Who a message is from, as `receivedEvents` takes it with short digits: `+` and a number in full, or what it was. Names stay names, whatever they look like. */
export function senderOf({ ton, address }: Address, { numbers, defaultCountry }: Numbers): string {
  if (ton === Ton.name) return named(address.trim());
  const plain = address.replace(/[\s()./-]/g, '');
  if (/^(?:\+|00)\d+$/.test(plain)) return plain;
  if (!/^\d+$/.test(plain)) return plain === '' ? 'unknown' : named(address.trim());
  const home = ton === Ton.national || (ton === Ton.unknown && (plain.startsWith('0') || numbers === 'national'));
  if (home) return (defaultCountry && e164(plain, defaultCountry)) || plain;
  const full = ton === Ton.international || (ton === Ton.unknown && plain.length >= 8);
  return (full && e164(`+${plain}`)) || plain;
}

/** Without a letter it could be read as a number, also one of other digits (`¹`) or with characters that nobody sees. */
function named(name: string): string {
  return /\p{L}/u.test(name.normalize('NFKC')) ? name : `"${name}"`;
}
