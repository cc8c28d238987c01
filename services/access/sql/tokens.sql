-- name: list_tokens
-- A page of tokens, with the total: of a group ($2) or a project ($3), or personal ones if both are
-- null. $1: a user, or null for all. $4: active (true) or not, today being $5. $6: revoked or not.
-- $7: a part of the name.
SELECT
    tokens.*,
    members.access_level,
    count(*) OVER () AS total
FROM tokens
LEFT JOIN members
    ON members.user_id = tokens.user_id
    AND (members.project_id = tokens.project_id OR members.namespace_id = tokens.namespace_id)
WHERE ($1::bigint IS NULL OR tokens.user_id = $1)
    AND tokens.namespace_id IS NOT DISTINCT FROM $2
    AND tokens.project_id IS NOT DISTINCT FROM $3
    AND (
        $4::boolean IS NULL
        OR $4 = (revocation_time IS NULL AND (tokens.expires_at IS NULL OR tokens.expires_at > $5))
    )
    AND ($6::boolean IS NULL OR $6 = (revocation_time IS NOT NULL))
    AND ($7::text IS NULL OR position(lower($7) IN lower(tokens.name)) > 0)
ORDER BY tokens.token_id DESC
LIMIT $8 OFFSET $9;

-- name: find_token
-- A token by its number or its digest.
SELECT tokens.*, members.access_level
FROM tokens
LEFT JOIN members
    ON members.user_id = tokens.user_id
    AND (members.project_id = tokens.project_id OR members.namespace_id = tokens.namespace_id)
WHERE token_id = $1 OR digest = $2;

-- name: lock_family
-- Lock the first token of a rotation chain until the end of the transaction.
SELECT token_id FROM tokens WHERE token_id = $1 FOR UPDATE;

-- name: create_token
-- Insert a token.
INSERT INTO tokens (
    digest, user_id, namespace_id, project_id, family_id,
    name, description, scopes, creation_time, expires_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING token_id;

-- name: revoke_token
-- Revoke a token. No row means that it was revoked before.
UPDATE tokens SET revocation_time = $2 WHERE token_id = $1 AND revocation_time IS NULL
RETURNING digest;

-- name: revoke_family
-- Revoke all tokens of a rotation chain.
UPDATE tokens SET revocation_time = $2
WHERE (family_id = $1 OR token_id = $1) AND revocation_time IS NULL
RETURNING digest;
