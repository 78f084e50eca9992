import { Column, Entity, PrimaryColumn } from 'typeorm';

// What operators connect: accounts, destinations and keys.

/** A connection to a provider. Secrets in `config` are sealed. */
@Entity({ name: 'account' })
export class Account {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  type!: string;

  @Column('text', { nullable: true })
  name!: string | null;

  @Column('jsonb')
  config!: unknown;

  @Column('text')
  continuity!: string;

  @Column('int')
  reopen_within_s!: number;

  @Column('boolean')
  hosted!: boolean;

  @Column('boolean')
  enabled!: boolean;

  @Column('text')
  managed_by!: string;

  @Column('text')
  state!: string;

  @Column('text', { nullable: true })
  state_detail!: string | null;

  @Column('text', { nullable: true })
  state_link!: string | null;

  @Column('timestamptz', { nullable: true })
  removed_at!: Date | null;

  @Column('timestamptz')
  created_at!: Date;

  @Column('timestamptz')
  updated_at!: Date;
}

/** A ticket system that takes the stream. `filter_*` null admits everything. */
@Entity({ name: 'destination' })
export class Destination {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  type!: string;

  @Column('text', { nullable: true })
  name!: string | null;

  @Column('jsonb')
  config!: unknown;

  @Column('jsonb')
  secrets!: unknown;

  @Column('text', { array: true, nullable: true })
  filter_events!: string[] | null;

  @Column('text', { array: true, nullable: true })
  filter_accounts!: string[] | null;

  @Column('text', { array: true, nullable: true })
  filter_channels!: string[] | null;

  @Column('text')
  state!: string;

  @Column('text', { nullable: true })
  paused_reason!: string | null;

  @Column('timestamptz', { nullable: true })
  probe_at!: Date | null;

  @Column('int')
  probes!: number;

  @Column('text')
  managed_by!: string;

  @Column('timestamptz', { nullable: true })
  removed_at!: Date | null;

  @Column('timestamptz')
  created_at!: Date;

  @Column('timestamptz')
  updated_at!: Date;
}

/** A key of the API, by the hash of its secret. */
@Entity({ name: 'api_key' })
export class ApiKeyRow {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  hash!: string;

  @Column('text', { array: true })
  scopes!: string[];

  @Column('text', { array: true, nullable: true })
  accounts!: string[] | null;

  @Column('timestamptz', { nullable: true })
  expires_at!: Date | null;

  @Column('timestamptz')
  created_at!: Date;

  @Column('timestamptz', { nullable: true })
  last_used_at!: Date | null;
}
