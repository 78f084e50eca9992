import type { MigrationInterface, QueryRunner } from 'typeorm';
import { AUDIT } from '../sql/audit.sql.js';
import { AUTOMATIC } from '../sql/automatic.sql.js';
import { EMIT } from '../sql/emit.sql.js';
import { ERASURE } from '../sql/erasure.sql.js';
import { INTAKE } from '../sql/intake.sql.js';
import { KNOWN } from '../sql/known.sql.js';
import { MENTIONS } from '../sql/mentions.sql.js';
import { NOTICE } from '../sql/notice.sql.js';
import { OUTBOX } from '../sql/outbox.sql.js';
import { REPLY } from '../sql/reply.sql.js';
import { RETENTION } from '../sql/retention.sql.js';
import { ROUTING } from '../sql/routing.sql.js';
import { STATUS } from '../sql/status.sql.js';
import { STORE_MESSAGE } from '../sql/store-message.sql.js';
import { TABLES } from '../sql/tables.sql.js';
import { THREADS } from '../sql/threads.sql.js';
import { VIEWS } from '../sql/views.sql.js';

/** Accounts, destinations, threads, conversations, messages, the stream, the outbox, files; and the functions that write them. */
export class Store1700000000002 implements MigrationInterface {
  name = 'Store1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      TABLES,
      ERASURE,
      MENTIONS,
      AUDIT,
      RETENTION,
      VIEWS,
      EMIT,
      ROUTING,
      THREADS,
      STATUS,
      STORE_MESSAGE,
      INTAKE,
      KNOWN,
      OUTBOX,
      REPLY,
      NOTICE,
      AUTOMATIC,
    ])
      await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger reroute_of_company on company; drop trigger reroute_of_contact on contact; drop trigger reroute_of_conversation on conversation;
      drop function reroute_people, reroute_of_company, reroute_of_contact, reroute_of_conversation, reroute_contact, reroute, route_conversation, opening_of, explain_routing,
        route, routing_matches, routing_holds, routing_found, routing_facts, texts_of, hours_open, routing_rules;
      drop function count_automatic; drop table automatic_answer;
      drop function lay_notice, forget_notice;
      drop function arrived_after_all, external_id_lock, store_outbound, lay_units, unit_counted, settle_outbox, start_units, held_items, stream_front, receive_receipt, settle_unit, acknowledge, fail_message, advance, status_rank, intake, store_rest, lock_touched, store_known, lanes_of, is_straight, store_message, change_message, note_consent, grant_window, note_conflict, join_thread, open_conversation, emit, append_event, admits,
        lane_partition, account_view, message_view, conversation_view, draw_conversation, iso;
      drop type stored_item;
      drop function borrowed, erase_events, erase_answers, erase_mentions, erase_files, erase_contact, messages_elsewhere, tells_of, lists, handles_held, names_anybody, names_of, people_of,
        session_hash, erasure_hash;
      drop function prune_files, prune_messages, is_to_be_sent;
      drop function prune_audit, verify_audit, seal_audit, audit_hash; drop table audit_chain, audit;
      drop table file_use, file_removal, erased_session, erasure_seen, erasure;
      drop table shared_value, cursor, setting, trace, api_key, idempotency, file, lease, delivery, outbox, event, poison, early_receipt, external_ref, inbox, unit,
        message, reference, conversation_thread, conversation, thread, destination, account;
      drop function conversation_changed, conversation_surroundings_changed, account_changed;`);
  }
}
