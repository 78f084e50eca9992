// What Zendesk keeps and is sent, as far as the fake goes.

export interface File {
  readonly id: number;
  readonly file_name: string;
  readonly content_type: string;
  readonly content: Buffer;
}

export interface Event {
  readonly id: number;
  readonly type: 'Comment' | 'Change' | 'Notification';
  readonly [name: string]: unknown;
}

export interface Audit {
  readonly id: number;
  readonly author_id: number;
  readonly created_at: string;
  readonly metadata: { readonly system: object; readonly custom: object };
  readonly via: { readonly channel: string; readonly source: { readonly rel: string | null } };
  readonly events: Event[];
}

export interface Ticket {
  readonly id: number;
  readonly external_id: string;
  readonly subject: string;
  readonly requester_id: number;
  readonly custom_fields: { id: number; value: string }[];
  readonly via_followup_source_id?: number | undefined;
  readonly audits: Audit[];
  readonly updates: number[];
  tags: string[];
  status: string;
  updated_at: string;
}

export interface User {
  readonly id: number;
  readonly name: string;
  readonly email?: string | undefined;
  readonly external_id?: string | undefined;
  readonly role: 'end-user' | 'agent' | 'admin';
}

export interface Sent {
  readonly external_id?: string;
  readonly subject?: string;
  readonly requester_id?: number;
  readonly submitter_id?: number;
  readonly group_id?: number;
  readonly tags?: string[];
  readonly custom_fields?: { id: number; value: string }[];
  readonly via_followup_source_id?: number;
  readonly comment?: { html_body?: string; body?: string; public?: boolean; author_id?: number; uploads?: string[] };
  readonly metadata?: object;
  readonly status?: string;
}

/** Who does something, and what is told of it besides. */
export interface Deed {
  readonly by: number;
  readonly rel?: string;
}
