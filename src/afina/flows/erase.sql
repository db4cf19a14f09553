-- tables: every table of ours
SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
WHERE schemaname IN ('app', 'ml', 'queue') ORDER BY 1

-- retention: how long the server keeps its write-ahead log
SELECT current_setting('archive_mode') AS archive_mode, current_setting('wal_keep_size') AS wal_keep_size,
    (SELECT count(*) FROM pg_replication_slots) AS slots
