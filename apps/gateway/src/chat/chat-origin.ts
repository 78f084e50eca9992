export interface Place {
  /** The header `Origin`; absent where the caller is no browser. */
  readonly origin: string | undefined;
  /** The header `Host` of the same request. */
  readonly host: string | undefined;
}

/**
 * May a page of this origin use the account's chat? The gateway's own pages always may, others as the account's list says. A caller without an
 * origin is no page, and is let in only where every page is.
 */
export function originAllowed({ origin, host }: Place, publicUrl: string, origins: readonly string[]): boolean {
  if (origins.includes('*')) return true;
  const page = origin === undefined || !URL.canParse(origin) ? undefined : new URL(origin);
  if (!page || page.origin !== origin?.toLowerCase()) return false;
  if (page.origin === new URL(publicUrl).origin || page.host === host?.toLowerCase()) return true;
  return origins.some((allowed) => matches(page, allowed.toLowerCase()));
}

function matches(page: URL, allowed: string): boolean {
  if (!allowed.includes('//*.')) return URL.canParse(allowed) && new URL(allowed).origin === page.origin;
  const parent = new URL(allowed.replace('//*.', '//'));
  return (
    page.protocol === parent.protocol && page.port === parent.port && page.hostname.endsWith(`.${parent.hostname}`)
  );
}
