import { describe, expect, it } from '@jest/globals';
import { addressGuard } from './guard.js';

const refused = [
  '0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '169.254.0.1', '172.16.0.1',
  '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1',
  '240.0.0.1', '255.255.255.255', '::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b:1::a00:1', '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::', '2002:a00:1::1',
  'fc00::1', 'fd12:3456::1', 'fe80::1', 'fec0::1', 'ff02::1', 'fe80::1%eth0',
]; // prettier-ignore
const metadata = [
  '169.254.169.254', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1', 'fd00:ec2::254', '100.100.100.200',
  '::ffff:100.100.100.200', '64:ff9b::6464:64c8',
]; // prettier-ignore

describe('addressGuard', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    'lets %s pass',
    (address) => {
      expect(addressGuard().refusal(address)).toBeNull();
    },
  );

  it.each([...refused, ...metadata, '', 'localhost', '127.1.example'])('refuses %s', (address) => {
    expect(addressGuard().refusal(address)).not.toBeNull();
  });

  it('lets pass what is listed, and nothing beside it', () => {
    const guard = addressGuard(['127.0.0.1', '10.1.0.0/16', 'fd12::/16', '::1']);
    for (const address of ['127.0.0.1', '10.1.2.3', '::ffff:127.0.0.1', 'fd12::9', '::1'])
      expect(guard.refusal(address)).toBeNull();
    for (const address of ['127.0.0.2', '10.2.0.1', 'fd13::9', '::2']) expect(guard.refusal(address)).not.toBeNull();
  });

  it.each(metadata)('refuses the metadata service %s even where everything is listed', (address) => {
    expect(addressGuard(['0.0.0.0/0', '::/0']).refusal(address)).toBe('a metadata service');
  });

  it('names the entry of the list that is neither an address nor a range', () => {
    for (const entry of ['example.com', '10.0.0.0/33', '']) {
      expect(() => addressGuard([entry])).toThrow(`"${entry}"`);
    }
  });
});
