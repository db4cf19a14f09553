-- get_person: with their preferences
SELECT
    u.channel, u.locale, u.intensity::float AS intensity, u.tone, p.budget_goal::float AS budget_goal,
    coalesce(p.categories_json, '[]') AS categories, coalesce(p.privacy_flags, '{}') AS privacy_flags
FROM app.users u
LEFT JOIN app.user_prefs p ON p.client_id = u.client_id AND p.user_id = u.id
WHERE u.external_id = %(user)s
ORDER BY u.channel LIMIT 1

-- add_person: seen for the first time
INSERT INTO app.users (id, client_id, external_id)
VALUES ('usr_' || md5(current_setting('app.client') || '/' || %(user)s), current_setting('app.client'), %(user)s)
ON CONFLICT DO NOTHING

-- change_person: what is NULL stays
UPDATE app.users SET
    locale = coalesce(%(locale)s, locale), intensity = coalesce(%(intensity)s, intensity), tone = coalesce(%(tone)s, tone)
WHERE external_id = %(user)s

-- change_prefs: what is NULL stays
INSERT INTO app.user_prefs AS p (client_id, user_id, budget_goal, categories_json, privacy_flags)
SELECT current_setting('app.client'), u.id, %(budget_goal)s, coalesce(%(categories)s::jsonb, '[]'), coalesce(%(privacy_flags)s::jsonb, '{}')
FROM app.users u WHERE u.external_id = %(user)s
ON CONFLICT (client_id, user_id) DO UPDATE SET
    budget_goal = coalesce(%(budget_goal)s, p.budget_goal), categories_json = coalesce(%(categories)s::jsonb, p.categories_json),
    privacy_flags = coalesce(%(privacy_flags)s::jsonb, p.privacy_flags)
