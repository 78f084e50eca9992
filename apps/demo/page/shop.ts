/** The stub of the widget's documentation: calls wait in `q` until widget.js is here. */
type Stub = { (...call: unknown[]): void; q?: unknown[][] };

const page = window as unknown as { Tributary?: Stub };
const stub: Stub = (...call) => void (stub.q ??= []).push(call);
page.Tributary ??= stub;
page.Tributary('open');
