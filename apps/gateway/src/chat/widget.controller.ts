import { join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { browserFolder, BuiltFile } from './built-file.js';

const headers = {
  'content-type': 'text/javascript; charset=utf-8',
  'cache-control': 'public, max-age=300, stale-while-revalidate=86400',
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
  'x-content-type-options': 'nosniff',
};

/** `GET /widget.js`: the chat widget, for any page. */
@Controller()
export class WidgetController {
  private readonly code = new BuiltFile(join(browserFolder('widget'), 'widget.js'), headers);
  private readonly map = new BuiltFile(join(browserFolder('widget'), 'widget.js.map'), {
    ...headers,
    'content-type': 'application/json',
  });

  @Get('widget.js')
  widget(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.code.send(request, reply);
  }

  @Get('widget.js.map')
  sourceMap(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.map.send(request, reply);
  }
}
