-- add_key: nothing is returned where a live key has the name
INSERT INTO app.api_keys (id, client_id, name, hash, scopes, expires_at, requests_per_minute, tokens_per_day, user_external_id)
VALUES
    (%(id)s, current_setting('app.client'), %(name)s, %(hash)s, %(scopes)s, %(expires_at)s, %(requests_per_minute)s,
     %(tokens_per_day)s, %(user)s)
ON CONFLICT (client_id, name) WHERE revoked_at IS NULL DO NOTHING
RETURNING *

-- revoke_key: from now on
UPDATE app.api_keys SET revoked_at = now() WHERE name = %(name)s AND revoked_at IS NULL

-- list_keys: the newest first
SELECT * FROM app.api_keys ORDER BY created_at DESC, id DESC

-- reserve_requests: one more in this minute, if the limit allows it
INSERT INTO app.key_spending AS s (client_id, key_id, kind, starts_at, spent)
SELECT current_setting('app.client'), %(key)s, %(kind)s, date_trunc('minute', now()), %(amount)s WHERE %(amount)s <= %(limit)s
ON CONFLICT (client_id, key_id, kind, starts_at) DO UPDATE SET spent = s.spent + excluded.spent
WHERE s.spent + excluded.spent <= %(limit)s
RETURNING starts_at

-- reserve_tokens: so many more today, if the limit allows it
INSERT INTO app.key_spending AS s (client_id, key_id, kind, starts_at, spent)
SELECT current_setting('app.client'), %(key)s, %(kind)s, date_trunc('day', now(), 'UTC'), %(amount)s WHERE %(amount)s <= %(limit)s
ON CONFLICT (client_id, key_id, kind, starts_at) DO UPDATE SET spent = s.spent + excluded.spent
WHERE s.spent + excluded.spent <= %(limit)s
RETURNING starts_at

-- wait_requests: until the next minute
SELECT 60 - extract(second FROM now()) AS seconds

-- wait_tokens: until tomorrow
SELECT extract(epoch FROM date_trunc('day', now(), 'UTC') + interval '1 day' - now()) AS seconds

-- release_tokens: what was set aside and not needed, or needed beyond it
UPDATE app.key_spending SET spent = greatest(0, spent + %(change)s)
WHERE key_id = %(key)s AND kind = 'tokens' AND starts_at = %(starts_at)s
