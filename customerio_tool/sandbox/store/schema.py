"""The tables of the local Customer.io's workspace; ``VERSION`` goes into ``user_version``."""

from __future__ import annotations

VERSION = 11

LISTED = (
    "attempted",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "converted",
    "bounced",
    "spammed",
    "unsubscribed",
    "dropped",
    "failed",
    "undeliverable",
)
"""The metrics by which messages are listed. Each has a bit in ``deliveries.recorded``, by which an
index alone tells who has it not."""

HOUR, SECOND = 3600, 1
"""The spans in seconds by which ``tallies`` counts metrics: what an hour is cut in, by seconds."""

TABLES = """
CREATE TABLE generation (id TEXT NOT NULL) STRICT;
CREATE TABLE people (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, cio_id TEXT UNIQUE, id TEXT UNIQUE,
  email TEXT, email_key TEXT, unsubscribed INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL, attributes TEXT NOT NULL DEFAULT '{}',
  stamps TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE INDEX people_email ON people (email_key);
CREATE TABLE terms (
  term TEXT NOT NULL, person INTEGER NOT NULL, PRIMARY KEY (term, person)) STRICT, WITHOUT ROWID;
CREATE INDEX terms_person ON terms (person);
CREATE TABLE anonymous_ids (
  anonymous_id TEXT PRIMARY KEY, person INTEGER, bound_at INTEGER NOT NULL) STRICT;
CREATE INDEX anonymous_ids_person ON anonymous_ids (person);
CREATE TABLE suppressions (
  kind TEXT NOT NULL, value TEXT NOT NULL, grp INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (kind, value)) STRICT;
CREATE INDEX suppressions_group ON suppressions (grp);
CREATE TABLE devices (
  person INTEGER NOT NULL, token TEXT NOT NULL, platform TEXT NOT NULL,
  last_used INTEGER NOT NULL, attributes TEXT NOT NULL, PRIMARY KEY (person, token)) STRICT;
CREATE INDEX devices_used ON devices (person, last_used DESC, token);
CREATE INDEX devices_token ON devices (token);
CREATE TABLE events (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER, anonymous_id TEXT, name TEXT NOT NULL,
  type TEXT NOT NULL, event_id TEXT, dedup_key TEXT UNIQUE, timestamp INTEGER NOT NULL,
  received INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE INDEX events_person ON events (person);
CREATE INDEX events_anonymous ON events (anonymous_id) WHERE anonymous_id IS NOT NULL;
CREATE INDEX events_unclaimed ON events (received) WHERE person IS NULL;
CREATE TABLE timeline (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER NOT NULL, type TEXT NOT NULL,
  at INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE INDEX timeline_person ON timeline (person, at);
CREATE TABLE objects (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, cio_id TEXT UNIQUE, type TEXT NOT NULL, id TEXT NOT NULL,
  attributes TEXT NOT NULL, UNIQUE (type, id)) STRICT;
CREATE TABLE relationships (
  person INTEGER NOT NULL, type TEXT NOT NULL, object TEXT NOT NULL, attributes TEXT NOT NULL,
  PRIMARY KEY (person, type, object)) STRICT;
CREATE INDEX relationships_object ON relationships (type, object);
CREATE TABLE segments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, description TEXT NOT NULL,
  type TEXT NOT NULL, conditions TEXT, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL) STRICT;
CREATE INDEX segments_type ON segments (type);
CREATE TABLE members (
  segment INTEGER NOT NULL, person INTEGER NOT NULL, PRIMARY KEY (segment, person)) STRICT;
CREATE INDEX members_person ON members (person);
CREATE TABLE dynamic_members (
  segment INTEGER NOT NULL, person INTEGER NOT NULL,
  PRIMARY KEY (segment, person)) STRICT, WITHOUT ROWID;
CREATE INDEX dynamic_members_person ON dynamic_members (person);
CREATE TABLE unsettled (
  person INTEGER PRIMARY KEY, has_new_terms INTEGER NOT NULL) STRICT;
CREATE TABLE campaigns (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
  state TEXT NOT NULL, event_name TEXT, definition TEXT NOT NULL) STRICT;
CREATE INDEX campaigns_kind ON campaigns (kind);
CREATE INDEX campaigns_type ON campaigns (type, state);
CREATE INDEX campaigns_event ON campaigns (event_name) WHERE event_name IS NOT NULL;
CREATE TABLE templates (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, name_key TEXT UNIQUE NOT NULL, channel TEXT NOT NULL,
  content TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;
CREATE TABLE triggers (
  broadcast INTEGER NOT NULL, id INTEGER NOT NULL, created_at INTEGER NOT NULL,
  processed_at INTEGER NOT NULL, failed INTEGER NOT NULL, audience TEXT NOT NULL,
  recipients INTEGER NOT NULL, errors TEXT NOT NULL, PRIMARY KEY (broadcast, id)) STRICT;
CREATE TABLE deliveries (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, type TEXT NOT NULL, person INTEGER,
  identifiers TEXT NOT NULL, recipient TEXT, subject TEXT, created INTEGER NOT NULL,
  draft INTEGER NOT NULL, failure_message TEXT, campaign INTEGER, action INTEGER,
  broadcast INTEGER, trigger_id INTEGER, template INTEGER, trigger_event_id TEXT,
  content TEXT NOT NULL, source TEXT NOT NULL DEFAULT '{}',
  recorded INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX deliveries_created ON deliveries (created, pk);
CREATE INDEX deliveries_person ON deliveries (person, created);
CREATE INDEX deliveries_listed ON deliveries (draft, created, pk, recorded, type);
CREATE INDEX deliveries_campaign ON deliveries (campaign, created, pk, recorded, type, draft)
  WHERE campaign IS NOT NULL;
CREATE INDEX deliveries_broadcast ON deliveries
  (broadcast, created, pk, recorded, type, draft, trigger_id) WHERE broadcast IS NOT NULL;
CREATE INDEX deliveries_trigger ON deliveries (trigger_id, created, pk, recorded, type, draft)
  WHERE trigger_id IS NOT NULL;
CREATE INDEX deliveries_message ON deliveries
  (coalesce(template, action), created, pk, recorded, type, draft);
CREATE TABLE attachments (
  delivery INTEGER NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL,
  PRIMARY KEY (delivery, name)) STRICT;
CREATE TABLE metrics (
  delivery INTEGER NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (delivery, name)) STRICT;
CREATE INDEX metrics_at ON metrics (at);
CREATE TABLE tallies (
  owner INTEGER NOT NULL, span INTEGER NOT NULL, name TEXT NOT NULL, slot INTEGER NOT NULL,
  channel TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (owner, span, name, slot, channel)) STRICT, WITHOUT ROWID;
CREATE TABLE activity (
  n INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, operation TEXT NOT NULL,
  reason TEXT NOT NULL, subject TEXT NOT NULL) STRICT;
CREATE TABLE pending (
  n INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, time REAL NOT NULL,
  method TEXT NOT NULL, target TEXT NOT NULL, body BLOB NOT NULL,
  request INTEGER NOT NULL) STRICT;
CREATE INDEX pending_due ON pending (due);
CREATE TABLE requests (
  n INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, api TEXT NOT NULL,
  operation TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
  body TEXT NOT NULL, body_bytes INTEGER NOT NULL, status INTEGER,
  user_agent TEXT NOT NULL, retry_count TEXT, applied INTEGER NOT NULL, reason TEXT,
  fault TEXT) STRICT;
CREATE INDEX requests_operation ON requests (operation);
CREATE INDEX requests_quiet ON requests (applied) WHERE applied=0;
"""

_BITS = " ".join(f"WHEN '{name}' THEN {1 << bit}" for bit, name in enumerate(LISTED))
_TALLIES = " UNION ALL ".join(
    f"""SELECT coalesce(campaign, broadcast) AS owner, {span}, {{row}}.name, {{row}}.at / {span},
        type, {{n}} FROM deliveries
        WHERE pk={{row}}.delivery AND coalesce(campaign, broadcast) IS NOT NULL"""  # noqa: S608 - two numbers
    for span in [HOUR, SECOND]
)
_TALLY = f"""INSERT INTO tallies SELECT * FROM ({_TALLIES}) WHERE true
  ON CONFLICT (owner, span, name, slot, channel) DO UPDATE SET n=n+excluded.n"""  # noqa: S608 - as above
_WITH_TERMS = """INSERT INTO unsettled VALUES (new.pk, 1)
  ON CONFLICT (person) DO UPDATE SET has_new_terms=1"""
_AS_IT_IS = "INSERT OR IGNORE INTO unsettled"
_UNSETTLE = {
    "people_added AFTER INSERT ON people": _WITH_TERMS,
    """people_renamed AFTER UPDATE OF id, email, attributes ON people
       WHEN old.id IS NOT new.id OR old.email IS NOT new.email
       OR old.attributes<>new.attributes""": _WITH_TERMS,
    "people_changed AFTER UPDATE OF cio_id, unsubscribed ON people": (
        f"{_AS_IT_IS} VALUES (new.pk, 0)"
    ),
    "members_added AFTER INSERT ON members": f"{_AS_IT_IS} VALUES (new.person, 0)",
    "members_moved AFTER UPDATE ON members": (
        f"{_AS_IT_IS} VALUES (new.person, 0), (old.person, 0)"
    ),
    "members_deleted AFTER DELETE ON members": f"{_AS_IT_IS} VALUES (old.person, 0)",
    "segments_added AFTER INSERT ON segments WHEN new.type='dynamic'": (
        f"{_AS_IT_IS} SELECT pk, 0 FROM people"  # noqa: S608 - our own words
    ),
}
TRIGGERS = (
    """CREATE TRIGGER people_deleted AFTER DELETE ON people BEGIN
       DELETE FROM terms WHERE person=old.pk;
       DELETE FROM dynamic_members WHERE person=old.pk;
       DELETE FROM unsettled WHERE person=old.pk; END""",
    *(f"CREATE TRIGGER {name} BEGIN {what}; END" for name, what in _UNSETTLE.items()),
    f"""CREATE TRIGGER metrics_added AFTER INSERT ON metrics BEGIN
       UPDATE deliveries SET recorded=recorded | CASE new.name {_BITS} END
       WHERE pk=new.delivery AND new.name IN {LISTED};
       {_TALLY.format(row="new", n=1)}; END""",  # noqa: S608 - our own words
    f"""CREATE TRIGGER metrics_deleted AFTER DELETE ON metrics BEGIN
       {_TALLY.format(row="old", n=-1)}; END""",
)
"""Keep ``unsettled``, the people whose terms or dynamic segments are to be worked out (``settle``);
``recorded``, the metrics that a delivery ever had; and ``tallies``, the counts of metrics."""
