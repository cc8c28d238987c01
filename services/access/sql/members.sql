-- name: list_members
-- A page of the members of a project ($2) or a group ($1), with the total.
-- Each user appears once, with the highest role. $3: today. $4: include members of the parent
-- groups. $5: a part of a name. $6: user ids.
WITH held AS (
    SELECT DISTINCT ON (user_id) user_id, access_level, expires_at, creation_time
    FROM (
        SELECT user_id, access_level, expires_at, creation_time
        FROM members
        WHERE project_id = $2
            OR ($2::bigint IS NULL AND namespace_id = $1)
            OR ($4 AND namespace_id IN (SELECT line.namespace_id FROM lineage($1) AS line))
        UNION ALL
        SELECT owner_id, 50, NULL, 0 FROM lineage($1) WHERE owner_id IS NOT NULL AND $4
    ) AS every
    WHERE expires_at IS NULL OR expires_at > $3
    ORDER BY user_id, access_level DESC
)
SELECT
    users.user_id, users.username, users.name, users.state,
    held.access_level, held.expires_at, held.creation_time,
    count(*) OVER () AS total
FROM held
JOIN users USING (user_id)
WHERE ($5::text IS NULL OR position(lower($5) IN lower(username || ' ' || name)) > 0)
    AND ($6::bigint[] IS NULL OR user_id = ANY ($6))
ORDER BY users.user_id
LIMIT $7 OFFSET $8;

-- name: add_member
-- Insert a member. No row means that the user has a role there.
INSERT INTO members (user_id, namespace_id, project_id, access_level, expires_at, creation_time)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
RETURNING member_id;

-- name: forget_ended
-- Delete an expired role, so that the user can be added again.
DELETE FROM members
WHERE user_id = $1 AND (project_id = $3 OR namespace_id = $2) AND expires_at <= $4;

-- name: update_member
-- Change a member's role.
UPDATE members SET access_level = $4, expires_at = $5
WHERE user_id = $1 AND (project_id = $3 OR namespace_id = $2)
RETURNING member_id;

-- name: remove_member
-- Remove a member.
DELETE FROM members WHERE user_id = $1 AND (project_id = $3 OR namespace_id = $2)
RETURNING member_id;

-- name: count_owners
-- The number of a group's direct Owners, except one user.
SELECT count(*) FROM members WHERE namespace_id = $1 AND access_level = 50 AND user_id <> $2;
