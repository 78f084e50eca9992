import { Controller, Get, Header, Param } from '@nestjs/common';
import { PROBLEMS, Refusal } from '../core/problem.js';
import { docsPage, POLICY } from './docs-page.js';
import { referenceDocuments } from './documents.js';

const CACHE = 'public, max-age=300';

/** What people and tools read about the API: open to everybody, made once, nothing loaded from elsewhere. */
@Controller()
export class ReferenceController {
  private readonly documents = new Map(Object.entries(referenceDocuments()));
  private page: string | undefined;

  @Get('/openapi.json')
  @Header('cache-control', CACHE)
  openapi() {
    return this.document('openapi.json');
  }

  @Get('/asyncapi.json')
  @Header('cache-control', CACHE)
  asyncapi() {
    return this.document('asyncapi.json');
  }

  @Get('/schemas')
  @Header('cache-control', CACHE)
  schemas() {
    const names = [...this.documents.keys()].filter((name) => name.startsWith('schemas/'));
    return { items: names.map((path) => ({ name: path.slice('schemas/'.length, -'.json'.length), url: `/${path}` })) };
  }

  @Get('/schemas/:name')
  @Header('cache-control', CACHE)
  @Header('content-type', 'application/schema+json')
  schema(@Param('name') name: string) {
    return JSON.stringify(this.document(`schemas/${name}`));
  }

  @Get('/docs')
  @Header('cache-control', CACHE)
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  docs() {
    return (this.page ??= docsPage(this.document('openapi.json'), PROBLEMS));
  }

  private document(name: string) {
    const found = this.documents.get(name);
    if (!found) throw new Refusal('not-found', 'there is nothing at this address');
    return found;
  }
}
