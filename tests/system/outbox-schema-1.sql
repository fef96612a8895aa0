-- The outbox as the first version wrote it, with what it held when that one was stopped by a power cut an hour ago:
-- occurrence 1 delivered to the first sink, 2 not yet, and 3 still going on. Never to be changed.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    event_type TEXT NOT NULL,
    stream TEXT NOT NULL,
    action TEXT NOT NULL,
    happened_at_s REAL NOT NULL,
    committed_at_s REAL NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE cursors (sink TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL, dropped INTEGER NOT NULL);
CREATE TABLE open_occurrences (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;

INSERT INTO cursors VALUES ('jsonl', 2, 0);
WITH occurrences(id, seq, type, ended) AS (
    VALUES ('1', 1, 'start', NULL), ('1', 2, 'stop', 9), ('2', 3, 'start', NULL), ('2', 4, 'stop', 9), ('3', 5, 'start', NULL)
),
hour_ago(at_s) AS (SELECT CAST(strftime('%s', 'now') AS REAL) - 3600)
INSERT INTO events
SELECT seq, type, 'demo', 'jumping jacks', at_s, at_s, CAST(json_object(
    'schema', 1, 'event_type', type, 'id', id, 'seq', seq, 'stream', 'demo', 'action', 'jumping jacks',
    'labels', json_array('jumping jacks'), 'score', 0.61, 'peak_score', 0.83,
    'time_s', 62.0, 'started_s', 60.0, 'ended_s', ended + 60.0, 'started_at', '2026-10-01T08:01:00Z',
    'ended_at', CASE WHEN ended THEN '2026-10-01T08:01:09Z' END, 'duration_s', coalesce(ended, 2.0),
    'reason', CASE WHEN ended THEN 'below' END, 'late', json('false'),
    'model', json_object('name', 'movinet-a0-int8', 'memory', 'window', 'window', 50, 'fps', 5.0)
) AS BLOB)
FROM occurrences, hour_ago;
INSERT INTO open_occurrences SELECT '3', seq, body FROM events WHERE seq = 5;
