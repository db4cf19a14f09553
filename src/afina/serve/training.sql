-- stats: documents 003 (total, quality by category) and 000 (corrections, how much needed a person)
SELECT
    (SELECT count(*) FROM public.training_data) AS total,
    (SELECT count(*) FROM public.training_data WHERE "qualityScore" >= 4) AS high_quality,
    (SELECT coalesce(jsonb_object_agg(category, n), '{}') FROM (
        SELECT coalesce(nullif(category, ''), 'none') AS category, count(*) AS n FROM public.training_data GROUP BY 1) c) AS by_category,
    coalesce((SELECT sum(messages) FROM analytics.review_stats), 0)::bigint AS messages,
    coalesce((SELECT sum(unique_messages) FROM analytics.review_stats), 0)::bigint AS unique_messages,
    coalesce((SELECT sum(reviewed) FROM analytics.review_stats), 0)::bigint AS reviewed,
    coalesce((SELECT sum(corrections) FROM analytics.review_stats), 0)::bigint AS corrections,
    (SELECT avg(review_seconds) FROM app.feedback WHERE review_seconds IS NOT NULL) AS review_seconds,
    (SELECT count(*) FROM ml.judged WHERE kept) AS curated
