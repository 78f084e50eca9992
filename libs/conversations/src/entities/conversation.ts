import type { Handle, Part } from '#normalizer';
import { Column, Entity, PrimaryColumn } from 'typeorm';

// What people say: threads of providers, conversations of ours, their messages and files.

/** A conversation of the provider. `sequence` counts its messages, which is what a chat browser resumes by. */
@Entity({ name: 'thread' })
export class Thread {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  account_id!: string;

  @Column('text')
  external_id!: string;

  @Column('text')
  contact_id!: string;

  /** The contact before its first merge; null where it never moved. */
  @Column('text', { nullable: true })
  home!: string | null;

  @Column('text', { nullable: true })
  conversation_id!: string | null;

  @Column('jsonb')
  handles!: Handle[];

  @Column('int')
  sequence!: number;

  @Column('int')
  delivered_to!: number;

  @Column('int')
  read_to!: number;

  @Column('jsonb', { nullable: true })
  open_choices!: unknown;

  @Column('timestamptz', { nullable: true })
  last_inbound_at!: Date | null;

  /** Provider messages that took their place in the reply window since the customer wrote last, and those of them on their way. */
  @Column('int')
  sent_since_inbound!: number;

  @Column('int')
  unsent!: number;

  /** A reply window that one event was granted beside the channel's own: until when, and how many provider messages are left of it. */
  @Column('timestamptz', { nullable: true })
  granted_until!: Date | null;

  @Column('int')
  granted_left!: number;

  @Column('timestamptz', { nullable: true })
  opted_out_at!: Date | null;

  /** The provider said that the person does not want to be written to: true until they write again, for nobody tells when it ends. */
  @Column('timestamptz', { nullable: true })
  refused_at!: Date | null;

  /** `recipient-gone` where it said instead that there is no such person. */
  @Column('text', { nullable: true })
  refused_for!: 'recipient-gone' | null;

  @Column('timestamptz')
  created_at!: Date;
}

/** A conversation of one contact over one or more threads, with the counters of its events and messages. */
@Entity({ name: 'conversation' })
export class Conversation {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  contact_id!: string;

  /** The contact before its first merge; null where it never moved. */
  @Column('text', { nullable: true })
  home!: string | null;

  @Column('text')
  status!: string;

  @Column('text', { nullable: true })
  subject!: string | null;

  @Column('text')
  priority!: string;

  @Column('text', { array: true })
  tags!: string[];

  @Column('jsonb')
  metadata!: unknown;

  @Column('text', { nullable: true })
  queue!: string | null;

  /** How it was opened, and what the rules made of that; null where there were none. */
  @Column('jsonb', { nullable: true })
  routing!: unknown;

  /** Which of `priority`, `queue` and `tags` a person decided: no rule touches them any more. */
  @Column('text', { array: true })
  set_by_hand!: string[];

  @Column('text')
  continuity!: string;

  @Column('int')
  event_sequence!: number;

  @Column('int')
  message_sequence!: number;

  @Column('text', { nullable: true })
  last_thread_id!: string | null;

  @Column('jsonb', { nullable: true })
  view!: unknown;

  @Column('timestamptz', { nullable: true })
  closed_at!: Date | null;

  @Column('timestamptz')
  created_at!: Date;

  @Column('timestamptz')
  updated_at!: Date;
}

/** A message, in or out, with its status. `fallback` holds the ways of sending not taken yet. */
@Entity({ name: 'message' })
export class MessageRow {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  conversation_id!: string;

  @Column('text')
  thread_id!: string;

  @Column('text')
  account_id!: string;

  @Column('int')
  sequence!: number;

  @Column('int')
  thread_sequence!: number;

  @Column('text')
  direction!: string;

  @Column('jsonb')
  author!: unknown;

  @Column('jsonb')
  parts!: Part[];

  @Column('text')
  text!: string;

  @Column('text', { nullable: true })
  subject!: string | null;

  /** What came along and was not newly written. */
  @Column('text', { nullable: true })
  quoted!: string | null;

  @Column('text', { nullable: true })
  reply_to!: string | null;

  @Column('text')
  status!: string;

  @Column('jsonb', { nullable: true })
  failure!: unknown;

  @Column('boolean')
  automated!: boolean;

  @Column('text', { array: true })
  external_ids!: string[];

  @Column('text', { nullable: true })
  client_key!: string | null;

  @Column('jsonb', { nullable: true })
  fallback!: unknown;

  @Column('timestamptz')
  occurred_at!: Date;

  @Column('timestamptz')
  received_at!: Date;

  @Column('timestamptz', { nullable: true })
  send_at!: Date | null;

  @Column('timestamptz', { nullable: true })
  fallback_at!: Date | null;

  @Column('timestamptz', { nullable: true })
  deleted_at!: Date | null;
}

/** One provider message of an outbound message. `superseded`: its way of sending was given up for a fallback. */
@Entity({ name: 'unit' })
export class Unit {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  message_id!: string;

  @Column('text')
  account_id!: string;

  @Column('text')
  thread_id!: string;

  @Column('int')
  index!: number;

  @Column('int')
  count!: number;

  @Column('jsonb')
  content!: unknown;

  @Column('text')
  status!: string;

  @Column('jsonb', { nullable: true })
  failure!: unknown;

  @Column('text', { array: true })
  external_ids!: string[];

  @Column('boolean')
  superseded!: boolean;

  @Column('bigint', { nullable: true })
  started_token!: number | null;

  /** Of which reply window it takes a place until its end is known, where the provider counts: `window` or `grant`. */
  @Column('text', { nullable: true })
  counted!: string | null;

  /** Of a notice, which belongs to no conversation: it is not sent after this. */
  @Column('timestamptz', { nullable: true })
  expires_at!: Date | null;

  @Column('timestamptz')
  updated_at!: Date;
}

/** A stored or still pending file. */
@Entity({ name: 'file' })
export class FileRow {
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { nullable: true })
  storage_key!: string | null;

  @Column('text')
  mime_type!: string;

  @Column('bigint', { nullable: true })
  bytes!: number | null;

  @Column('text', { nullable: true })
  name!: string | null;

  @Column('int', { nullable: true })
  width!: number | null;

  @Column('int', { nullable: true })
  height!: number | null;

  @Column('int', { nullable: true })
  duration_ms!: number | null;

  @Column('text', { nullable: true })
  sha256!: string | null;

  @Column('text')
  state!: string;

  @Column('text', { nullable: true })
  account_id!: string | null;

  @Column('text', { nullable: true })
  message_id!: string | null;

  @Column('text', { nullable: true })
  ref!: string | null;

  @Column('int')
  attempts!: number;

  @Column('timestamptz', { nullable: true })
  due_at!: Date | null;

  @Column('text', { nullable: true })
  reason!: string | null;

  @Column('text', { nullable: true })
  owner!: string | null;

  @Column('timestamptz')
  created_at!: Date;
}
