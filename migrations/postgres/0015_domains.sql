-- Domains that DNS proves, and metadata that is fetched: the PostgreSQL twin of migrations/sqlite, which has the comments that
-- matter.

ALTER TABLE domain ADD COLUMN verified_by TEXT COLLATE "C";
ALTER TABLE domain ADD COLUMN checked_at BIGINT;
UPDATE domain SET verified_by = 'operator' WHERE verified_at IS NOT NULL;
CREATE UNIQUE INDEX domain_proved ON domain (domain) WHERE verified_by = 'dns';

CREATE TABLE saml_metadata_refresh (
  workspace_id TEXT COLLATE "C" NOT NULL,
  provider_id TEXT COLLATE "C" NOT NULL,
  url TEXT COLLATE "C" NOT NULL,
  etag TEXT COLLATE "C",
  last_modified TEXT COLLATE "C",
  due_at BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  claimed_until BIGINT NOT NULL,
  note TEXT COLLATE "C",
  noted_at BIGINT,
  PRIMARY KEY (workspace_id, provider_id)
);

CREATE TABLE saml_certificate_notice (
  workspace_id TEXT COLLATE "C" NOT NULL,
  provider_id TEXT COLLATE "C" NOT NULL,
  certificate TEXT COLLATE "C" NOT NULL,
  days BIGINT NOT NULL,
  announced_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, provider_id, certificate, days)
);
