-- Points are only inserted. Vacuum visits them soon, while their pages are in memory, and freezes them at once: so no
-- later vacuum has to read the whole table again (ADR 16).
ALTER TABLE metric_points SET (
    autovacuum_vacuum_insert_scale_factor = 0.01,
    autovacuum_freeze_min_age = 0
);
