import { Column, Entity, PrimaryColumn } from 'typeorm';

// The stream and what is owed to whom.

/** An entry of the stream: the snapshot of the moment. `data` is null once erased. */
@Entity({ name: 'event' })
export class EventRow {
  @PrimaryColumn('bigint')
  position!: number;

  @Column('text')
  id!: string;

  @Column('text')
  type!: string;

  @Column('text', { nullable: true })
  conversation_id!: string | null;

  @Column('text', { nullable: true })
  contact_id!: string | null;

  @Column('text', { nullable: true })
  account_id!: string | null;

  @Column('int', { nullable: true })
  sequence!: number | null;

  @Column('jsonb', { nullable: true })
  data!: unknown;

  @Column('timestamptz')
  created_at!: Date;
}

/** Something to dispatch: an event to a destination, or a unit to an account. */
@Entity({ name: 'outbox' })
export class OutboxRow {
  @PrimaryColumn('bigint')
  position!: number;

  @Column('smallint')
  partition!: number;

  @Column('text')
  lane!: string;

  @Column('text')
  kind!: string;

  @Column('text')
  target_id!: string;

  @Column('text')
  item_id!: string;

  @Column('boolean')
  replay!: boolean;

  @Column('int')
  attempts!: number;

  @Column('timestamptz', { nullable: true })
  first_attempt_at!: Date | null;

  @Column('timestamptz', { nullable: true })
  due_at!: Date | null;

  @Column('jsonb', { nullable: true })
  failure!: unknown;

  @Column('timestamptz')
  created_at!: Date;
}

/** What became of an event at a destination, once settled. */
@Entity({ name: 'delivery' })
export class DeliveryRow {
  @PrimaryColumn('text')
  destination_id!: string;

  @PrimaryColumn('text')
  event_id!: string;

  @Column('text')
  state!: string;

  @Column('int')
  attempts!: number;

  @Column('jsonb', { nullable: true })
  failure!: unknown;

  @Column('timestamptz')
  settled_at!: Date;
}

/** A provider event that was taken: what a repeat is known by. */
@Entity({ name: 'inbox' })
export class InboxRow {
  @PrimaryColumn('text')
  account_id!: string;

  @PrimaryColumn('text')
  dedupe_key!: string;

  @Column('text', { nullable: true })
  item_id!: string | null;

  @Column('timestamptz')
  received_at!: Date;
}
