-- name: insert_issue
INSERT INTO issues (
    project_id, issue_id, experiment_id, name, description, status, severity, root_causes,
    categories, source_run_id, created_by, create_time, last_update_time, size
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)
RETURNING *;

-- name: lock_issues
-- Lock issues, by project and id, in one order.
SELECT FROM issues
WHERE (project_id, issue_id) IN (
    SELECT n.project_id, n.issue_id FROM unnest($1::bigint[], $2::text[]) AS n (project_id, issue_id)
)
ORDER BY project_id, issue_id
FOR UPDATE;

-- name: update_issue
-- Change those fields of an issue that are given.
UPDATE issues SET
    name = coalesce($3, name),
    description = coalesce($4, description),
    status = coalesce($5, status),
    severity = coalesce($6, severity),
    last_update_time = $7,
    size = size
        + coalesce(octet_length($3) - octet_length(name), 0)
        + coalesce(octet_length($4) - octet_length(description), 0)
WHERE project_id = $1 AND issue_id = $2
RETURNING *;

-- name: read_issues
-- Issues in the order of the ids.
SELECT i.*
FROM unnest($2::text[]) WITH ORDINALITY AS wanted (issue_id, place)
JOIN issues AS i ON i.project_id = $1 AND i.issue_id = wanted.issue_id
ORDER BY wanted.place;

-- name: sizes_of_issues
SELECT issue_id, size FROM issues WHERE project_id = $1 AND issue_id = ANY($2::text[]);

-- name: count_traces_of_issues
-- The number of traces that refer to each of some issues.
SELECT name AS issue_id, count(DISTINCT trace_id) AS traces FROM assessments
WHERE project_id = $1 AND kind = 'issue' AND name = ANY($2::text[])
GROUP BY name;

-- name: delete_some_issues
-- Delete issues of an experiment.
DELETE FROM issues
WHERE project_id = $1 AND issue_id IN (
    SELECT i.issue_id FROM issues AS i
    WHERE i.project_id = $1 AND i.experiment_id = $2
    LIMIT $3
)
RETURNING issue_id;
