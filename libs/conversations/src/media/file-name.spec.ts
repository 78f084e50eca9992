import { describe, expect, it } from '@jest/globals';
import { safeFileName } from './file-name.js';

describe('safeFileName', () => {
  it.each([
    ['报表 第三季度.xlsx', '报表 第三季度.xlsx'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\photo.png', 'photo.png'],
    ['.htaccess', 'htaccess'],
    ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
    ['a\u2066b\u2069\u200E\uFEFFc.txt', 'abc.txt'],
    ['nul', '_nul'],
    ['COM1.txt', '_COM1.txt'],
    ['console.log', 'console.log'],
    ['line\r\nbreak\0.txt', 'linebreak.txt'],
    ['"quoted";<x>.txt', '_quoted_;_x_.txt'],
    ['👨‍👩‍👧.jpg', '👨‍👩‍👧.jpg'],
    ['\uD800lone.txt', '\uFFFDlone.txt'],
    ['...   ', 'file'],
    ['', 'file'],
    [undefined, 'file'],
  ])('makes %j into %j', (given, expected) => {
    expect(safeFileName(given)).toBe(expected);
  });

  it('keeps the extension of a name that is too long, and whole code points', () => {
    const name = safeFileName(`${'😀'.repeat(500)}.pdf`);
    expect([...name]).toHaveLength(120);
    expect(name.endsWith('😀.pdf')).toBe(true);
    expect(name.isWellFormed()).toBe(true);
  });

  it('takes a name of a million combining marks', () => {
    expect([...safeFileName(`a${'\u0301'.repeat(1_000_000)}.txt`)].length).toBeLessThanOrEqual(120);
  });
});
