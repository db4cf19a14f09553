-- What the customer's next messages say of an answer, by rule. Better evidence (a rating, a sale) stands in app.feedback and wins wherever both are read.
CREATE TABLE app.signals (
    client_id text NOT NULL REFERENCES app.clients,
    interaction_id text NOT NULL,
    quality smallint NOT NULL CHECK (quality BETWEEN 1 AND 5),
    success boolean NOT NULL,
    rules text[] NOT NULL,
    rules_version integer NOT NULL,
    reaction_id text NOT NULL,  -- the interaction whose message is the evidence
    scored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, interaction_id),
    FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions (client_id, id) ON DELETE CASCADE
);
ALTER TABLE app.signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.signals FORCE ROW LEVEL SECURITY;
CREATE POLICY own_client ON app.signals USING (client_id = nullif(current_setting('app.client', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON app.signals TO afina_app;

-- The best evidence of each answer: a rating of it or its conversation, a sale, or the next message. No evidence, no row: silence says nothing.
CREATE VIEW app.evidence WITH (security_invoker = true) AS
SELECT
    i.client_id, i.id AS interaction_id,
    coalesce(rated.rating, CASE WHEN sold.id IS NOT NULL THEN 5 END, s.quality) AS quality,
    sold.id IS NOT NULL OR coalesce(s.success, false) AS success,
    CASE
        WHEN rated.rating IS NOT NULL THEN 'rating' WHEN sold.id IS NOT NULL THEN 'sale' WHEN s.quality IS NOT NULL THEN 'reaction'
    END AS kind,
    s.rules, greatest(rated.created_at, sold.created_at, s.scored_at) AS evaluated_at
FROM app.interactions i
LEFT JOIN app.signals s ON s.client_id = i.client_id AND s.interaction_id = i.id
LEFT JOIN LATERAL (
    SELECT r.rating, r.created_at FROM (
        (SELECT f.rating, f.created_at, 0 AS wider FROM app.feedback f
        WHERE f.client_id = i.client_id AND f.interaction_id = i.id AND f.rating IS NOT NULL
        ORDER BY f.created_at DESC, f.id DESC LIMIT 1)
        UNION ALL
        (SELECT f.rating, f.created_at, 1 FROM app.feedback f
        WHERE f.client_id = i.client_id AND f.conversation = i.conversation AND f.conversation <> '' AND f.interaction_id IS NULL
            AND f.rating IS NOT NULL
        ORDER BY f.created_at DESC, f.id DESC LIMIT 1)
    ) r
    ORDER BY r.wider LIMIT 1
) rated ON true
LEFT JOIN LATERAL (
    SELECT o.id, o.created_at FROM (
        (SELECT f.id, f.created_at FROM app.feedback f
        WHERE f.client_id = i.client_id AND f.interaction_id = i.id AND f.kind = 'outcome' AND f.value ->> 'name' = 'sale'
        ORDER BY f.created_at DESC, f.id DESC LIMIT 1)
        UNION ALL
        (SELECT f.id, f.created_at FROM app.feedback f
        WHERE f.client_id = i.client_id AND f.conversation = i.conversation AND f.conversation <> '' AND f.interaction_id IS NULL
            AND f.kind = 'outcome' AND f.value ->> 'name' = 'sale'
        ORDER BY f.created_at DESC, f.id DESC LIMIT 1)
    ) o
    ORDER BY o.created_at DESC, o.id DESC LIMIT 1
) sold ON true
WHERE rated.rating IS NOT NULL OR sold.id IS NOT NULL OR s.quality IS NOT NULL;
GRANT SELECT ON app.evidence TO afina_app;

DROP VIEW public.training_data;
CREATE VIEW public.training_data WITH (security_invoker = true) AS
SELECT
    i.id, i.client_id AS "userId", i.conversation AS "conversationId", i.text AS "userMessage", i.answer AS "botResponse",
    i.context, i.product AS "productId", i.facts ->> 'product_name' AS "productName", i.category,
    e.quality AS "qualityScore", coalesce(e.success, false) AS "wasSuccessful",
    coalesce(
        nullif(i.reaction, ''),
        (
            SELECT n.text FROM app.interactions n
            WHERE n.client_id = i.client_id AND n.conversation = i.conversation AND i.conversation <> ''
                AND (n.created_at, n.id) > (i.created_at, i.id)
            ORDER BY n.created_at, n.id LIMIT 1
        )
    ) AS "userFeedback",
    i.created_at AS "createdAt", e.evaluated_at AS "evaluatedAt", i.user_external_id AS "customerId"
FROM app.interactions i
LEFT JOIN app.evidence e ON e.interaction_id = i.id AND e.client_id = i.client_id;
GRANT SELECT ON public.training_data TO afina_app;
GRANT SELECT ON app.signals, app.evidence, public.training_data TO afina_reader;
