import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Controller, Get, Header } from '@nestjs/common';

/** Nothing is loaded from elsewhere. */
const POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"; // prettier-ignore

/**
 * A conversation as people read it, at the address that tickets link to. The pages themselves tell nothing: they read the API with a key that is asked for
 * and forgotten with the tab.
 */
@Controller('console')
export class ConsoleController {
  @Get('conversations/:id')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  @Header('referrer-policy', 'no-referrer')
  page(): Promise<string> {
    return file('page.html');
  }

  @Get('page.css')
  @Header('content-type', 'text/css; charset=utf-8')
  style(): Promise<string> {
    return file('page.css');
  }

  @Get('page.mjs')
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(): Promise<string> {
    return file('page.mjs');
  }
}

function file(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, name), 'utf8');
}
