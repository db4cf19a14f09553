-- take_in: a message that was not there before
INSERT INTO app.inbox (client_id, channel, message_id, sealed)
VALUES (current_setting('app.client'), %(channel)s, %(message)s, %(sealed)s)
ON CONFLICT DO NOTHING

-- claim_left: messages that nobody is answering: their gateway ended, or nobody could. Two gateways do not take the same ones
UPDATE app.inbox SET claimed_at = now()
WHERE (client_id, channel, message_id) IN (
    SELECT client_id, channel, message_id FROM app.inbox
    WHERE answered_at IS NULL AND sealed IS NOT NULL AND attempts < %(most)s AND claimed_at < now() - make_interval(secs => %(lease)s)
        AND NOT message_id = ANY(%(busy)s)
    ORDER BY received_at LIMIT %(some)s
    FOR UPDATE SKIP LOCKED
)
RETURNING channel, message_id, sealed

-- begun: somebody answers it now
UPDATE app.inbox SET attempts = attempts + 1, claimed_at = now()
WHERE channel = %(channel)s AND message_id = %(message)s

-- answered: what came is kept no longer
UPDATE app.inbox SET answered_at = now(), sealed = NULL, error = ''
WHERE channel = %(channel)s AND message_id = %(message)s

-- failed: it is tried again; after the last time what came is kept no longer
UPDATE app.inbox
SET error = %(error)s, sealed = CASE WHEN attempts >= %(most)s THEN NULL ELSE sealed END
WHERE channel = %(channel)s AND message_id = %(message)s

-- answer_of: to a message that was answered before
SELECT answer FROM app.interactions WHERE source = %(channel)s AND external_id = %(message)s

-- note_event: once
INSERT INTO app.channel_events (client_id, channel, event_id, kind, detail)
VALUES (current_setting('app.client'), %(channel)s, %(event)s, %(kind)s, %(detail)s)
ON CONFLICT DO NOTHING

-- history: what was said last in a conversation, the oldest first
SELECT text, answer FROM (
    SELECT text, answer, created_at, id FROM app.interactions
    WHERE conversation = %(conversation)s AND ok AND answer <> ''
    ORDER BY created_at DESC, id DESC LIMIT %(newest)s
) said
ORDER BY created_at, id

-- products: what the words of a message name, the best first; those that are sold out last
SELECT id, name, description, category, price::float AS price, currency, stock, url,
    to_tsvector('simple', name_words) @@ q AS named
FROM app.products, to_tsquery('simple', %(query)s) q
WHERE search @@ q
ORDER BY (stock IS NOT NULL AND stock <= 0), named DESC, ts_rank(search, q, 1) DESC, id
LIMIT %(most)s
