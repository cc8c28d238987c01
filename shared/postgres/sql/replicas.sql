-- name: position
-- Return the end of the primary's write-ahead log in bytes, the mark of this primary, and the mark that is stored.
-- Every acknowledged commit lies before that end. A commit is acknowledged when it is flushed, or, without
-- synchronous_commit, when it is inserted. Standbys get nothing before it is flushed, so the end of the inserted log is
-- asked for only then. A primary has another mark after each restart and each promotion.
SELECT (written.lsn - '0/0')::bigint AS lsn,
    concat_ws('/',
        extract(epoch FROM pg_postmaster_start_time()), left(pg_walfile_name(written.lsn), 8)
    ) AS mark,
    (SELECT mark FROM primary_mark) AS stored
FROM (
    SELECT CASE current_setting('synchronous_commit')
        WHEN 'off' THEN pg_current_wal_insert_lsn()
        ELSE pg_current_wal_flush_lsn()
    END AS lsn
) written;

-- name: store_mark
-- Store the primary's mark $1 (text).
INSERT INTO primary_mark AS old (mark) VALUES ($1)
ON CONFLICT (single) DO UPDATE SET mark = excluded.mark WHERE old.mark <> excluded.mark;

-- name: replayed
-- Return whether the server is a standby, how many bytes of the primary's log it has replayed, and the mark of the
-- primary that it follows.
SELECT pg_is_in_recovery() AS standby,
    coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint AS lsn,
    (SELECT mark FROM primary_mark) AS mark;
