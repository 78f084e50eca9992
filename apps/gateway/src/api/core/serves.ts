import { HttpCode, RequestMapping, RequestMethod, UseGuards, UseInterceptors } from '@nestjs/common';
import { CallInterceptor } from './call.interceptor.js';
import { bindEndpoint, type Endpoint } from './endpoint.js';
import { KeyGuard } from './key.guard.js';

/** Binds a controller's method to its endpoint: route, guard, validation, transaction and status at once. */
export function Serves(spec: Endpoint): MethodDecorator {
  return (target, key, descriptor) => {
    const method = descriptor as TypedPropertyDescriptor<unknown>;
    bindEndpoint(method.value as object, spec);
    const path = spec.path.replaceAll(/\{(\w+)\}/g, ':$1');
    for (const decorate of [
      RequestMapping({ path, method: RequestMethod[spec.method] }),
      UseGuards(KeyGuard),
      UseInterceptors(CallInterceptor),
      HttpCode(spec.status),
    ]) {
      decorate(target, key, method);
    }
  };
}
