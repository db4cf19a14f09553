-- What was taken out of an interaction's texts: type of personal data → how often. The values are nowhere.
ALTER TABLE app.interactions ADD COLUMN findings jsonb NOT NULL DEFAULT '{}';
