#!/usr/bin/env python3
"""A helpdesk in one file: verifies the webhooks of the gateway, keeps every event once, makes tickets, answers the customer.

    HOOK_SECRET=whsec_... GATEWAY_URL=http://127.0.0.1:3000 GATEWAY_KEY=... python3 consumer.py

Python 3.9 or newer and nothing else. Posts go to http://127.0.0.1:8088/hook; http://127.0.0.1:8088/ lists the tickets. What is answered 200 is on the disk, and
what is owed to a customer is on the disk with it: kill it wherever you like.
"""

import base64, hashlib, hmac, json, os, sqlite3, threading, time, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Two secrets, separated by a space, while one replaces the other.
SECRETS = [base64.b64decode(s.split("_", 1)[1]) if s.startswith("whsec_") else s.encode() for s in os.environ["HOOK_SECRET"].split()]
GATEWAY = os.environ.get("GATEWAY_URL", "http://127.0.0.1:3000")
KEY = os.environ.get("GATEWAY_KEY", "")
TOLERANCE_S = 300
LARGEST = 4 << 20

SCHEMA = """
create table if not exists event (id text primary key, type text, conversation text, sequence int, body text);
create index if not exists event_of on event (conversation, sequence);
create table if not exists ticket (number integer primary key, conversation text unique, opened text);
create table if not exists answer (key text primary key, conversation text, text text, state text default 'due');
"""


def database():
    db = sqlite3.connect(os.environ.get("DATABASE", "consumer.db"), timeout=10, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    return db


def is_genuine(headers, body):
    """Standard Webhooks: HMAC-SHA256 over id, time and the bytes as they came; any of several signatures will do."""
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not at.isdigit() or abs(time.time() - int(at)) > TOLERANCE_S:
        return False
    macs = [hmac.new(secret, f"{name}.{at}.".encode() + body, hashlib.sha256).digest() for secret in SECRETS]
    given = [entry.split(",", 1)[1] for entry in headers.get("webhook-signature", "").split() if entry.startswith("v1,")]
    return any(hmac.compare_digest(base64.b64encode(mac).decode(), one) for mac in macs for one in given)


def keep(event):
    """Stores an event unless it is there, with all that follows from it, in one transaction. Returns the conversation's ticket, if it has one."""
    data = event.get("data") or {}
    conversation = (data.get("conversation") or {}).get("id")
    db = database()
    try:
        db.execute("begin immediate")
        new = db.execute(
            "insert or ignore into event values (?, ?, ?, ?, ?)",
            (event["id"], event["type"], conversation, event.get("sequence"), json.dumps(event, ensure_ascii=False)),
        ).rowcount
        if new and conversation and event["type"] == "message.received":
            if db.execute("insert or ignore into ticket (conversation, opened) values (?, ?)", (conversation, event["timestamp"])).rowcount:
                number = number_of(db, conversation)
                db.execute("insert into answer (key, conversation, text) values (?, ?, ?)", (event["id"], conversation, f"Thank you. This is ticket {number}."))
        ticket = number_of(db, conversation)
        db.execute("commit")
        return ticket
    finally:
        db.close()


def number_of(db, conversation):
    row = db.execute("select number from ticket where conversation = ?", (conversation,)).fetchone()
    return row and row[0]


def answer_what_is_due():
    """The key makes a repetition harmless: the gateway answers the same again."""
    db = database()
    while True:
        for key, conversation, text in db.execute("select key, conversation, text from answer where state = 'due'").fetchall():
            body = json.dumps({"text": text, "author": {"name": "Consumer", "kind": "bot"}}).encode()
            headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json", "idempotency-key": key}
            request = urllib.request.Request(f"{GATEWAY}/v1/conversations/{conversation}/messages", body, headers)
            try:
                urllib.request.urlopen(request, timeout=30).close()
                db.execute("update answer set state = 'sent' where key = ?", (key,))
            except urllib.error.HTTPError as refusal:
                # 409 in-flight, 429 and 5xx pass; what is refused for good is kept with what was said.
                told = refusal.read().decode()
                if refusal.code in (408, 425, 429) or refusal.code >= 500 or '"in-flight"' in told:
                    continue
                db.execute("update answer set state = ? where key = ?", (f"refused: {refusal.code} {told[:200]}", key))
            except OSError:
                continue
        time.sleep(0.5)


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > LARGEST:
            return self.say(413, {})
        body = self.rfile.read(length)
        if not is_genuine(self.headers, body):
            return self.say(401, {})
        event = json.loads(body)
        if event.get("type") == "ping":
            return self.say(200, {})
        ticket = keep(event)
        self.say(200, {"reference": {"ticketId": str(ticket)}} if ticket else {})

    def do_GET(self):
        db = database()
        rows = db.execute("select number, conversation, opened, (select count(*) from event e where e.conversation = t.conversation) from ticket t order by number")
        self.say(200, [dict(zip(("number", "conversation", "opened", "events"), row)) for row in rows])
        db.close()

    def say(self, status, answer):
        told = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    database().executescript(SCHEMA)
    threading.Thread(target=answer_what_is_due, daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8088"))), Hook)
    print(f"listens on http://127.0.0.1:{server.server_port}/hook", flush=True)
    server.serve_forever()
