/** What the API needs of the settings; provided under `API_OPTIONS`. */
export interface ApiOptions {
  /** The installation's own key, with every scope. */
  readonly adminKey: string;
  /** Where the gateway is reached from outside, without the slash at its end; asked at each call, for the port may be chosen late. */
  readonly publicUrl: () => string;
  /** Calls that one key may make: so many in so many seconds. */
  readonly rate: { readonly points: number; readonly seconds: number };
  /** How long events are kept, seconds: cursors that are older have expired. */
  readonly eventsKeptS: number;
  /** Country of phone numbers that are written without their country code, ISO 3166. */
  readonly defaultCountry?: string;
}
export const API_OPTIONS = Symbol('ApiOptions');
