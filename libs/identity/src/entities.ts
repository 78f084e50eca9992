import { Column, Entity, PrimaryColumn } from 'typeorm';

// Who people are: the tables of the identity room as TypeORM entities. Properties bear the names of the columns, so rows of plain SQL are of these types too; a test holds entities and migrations together.

/** A company whose people write. */
@Entity({ name: 'company' })
export class Company {
  @PrimaryColumn('text')
  id!: string;

  /** What the company is called in the customer directory it was imported from. */
  @Column('text', { nullable: true })
  external_id!: string | null;

  @Column('text')
  name!: string;

  @Column('text', { nullable: true })
  level!: string | null;

  @Column('text', { array: true })
  products!: string[];

  @Column('jsonb')
  contracts!: unknown;

  @Column('jsonb')
  metadata!: unknown;

  @Column('timestamptz')
  created_at!: Date;

  @Column('timestamptz')
  updated_at!: Date;
}

/** A person; `merged_into` names the contact that took its place. */
@Entity({ name: 'contact' })
export class Contact {
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { nullable: true })
  name!: string | null;

  @Column('text', { nullable: true })
  company_id!: string | null;

  @Column('jsonb', { nullable: true })
  crm!: unknown;

  @Column('jsonb')
  metadata!: unknown;

  @Column('boolean')
  blocked!: boolean;

  @Column('text', { nullable: true })
  merged_into!: string | null;

  @Column('jsonb', { nullable: true })
  view!: unknown;

  @Column('timestamptz')
  created_at!: Date;

  @Column('timestamptz')
  updated_at!: Date;
}

/** An address of a person, with its proof. A proven one belongs to exactly one contact; `claimed_on` is the account on which an unproven sender wrote. */
@Entity({ name: 'handle' })
export class HandleRow {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  contact_id!: string;

  /** The contact before its first merge; null where it never moved. */
  @Column('text', { nullable: true })
  home!: string | null;

  @Column('text')
  scheme!: string;

  @Column('text')
  scope!: string;

  @Column('text')
  value!: string;

  @Column('text')
  proof!: string;

  @Column('text', { nullable: true })
  claimed_on!: string | null;

  /** Who vouches for it: `account:ID`, `token:ID`, `code:ID`, `key:ID`, `import:ID` or `crm`. */
  @Column('text', { nullable: true })
  source!: string | null;

  @Column('timestamptz')
  created_at!: Date;

  @Column('timestamptz', { nullable: true })
  proven_at!: Date | null;
}

/** The journal of a merge: what moved from one contact to another. */
@Entity({ name: 'merge' })
export class Merge {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  survivor_id!: string;

  @Column('text')
  merged_id!: string;

  @Column('text')
  reason!: string;

  /** Who joined them: `key:ID`, or what the proof came by (`account:ID`, `code:ID`, `crm`). */
  @Column('text', { nullable: true })
  by!: string | null;

  @Column('jsonb')
  moved!: unknown;

  @Column('timestamptz')
  created_at!: Date;

  @Column('timestamptz', { nullable: true })
  undone_at!: Date | null;

  @Column('text', { nullable: true })
  undone_by!: string | null;
}

/** A handle that leads to several people, until a person decides. */
@Entity({ name: 'contact_conflict' })
export class ContactConflictRow {
  @PrimaryColumn('text')
  id!: string;

  @Column('jsonb')
  handle!: unknown;

  @Column('text', { array: true })
  contact_ids!: string[];

  @Column('timestamptz')
  created_at!: Date;

  @Column('text', { nullable: true })
  resolution!: string | null;

  @Column('text', { nullable: true })
  resolved_by!: string | null;

  @Column('timestamptz', { nullable: true })
  resolved_at!: Date | null;
}

/** Every entity of this room, for the connection. */
export const IDENTITY_ENTITIES = [Company, Contact, HandleRow, Merge, ContactConflictRow];
