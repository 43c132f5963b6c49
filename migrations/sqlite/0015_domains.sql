-- Domains that DNS proves, and metadata that is fetched.

-- `dns` or `operator`; NULL until it is verified.
ALTER TABLE domain ADD COLUMN verified_by TEXT;
-- When its TXT record was last looked up.
ALTER TABLE domain ADD COLUMN checked_at BIGINT;
UPDATE domain SET verified_by = 'operator' WHERE verified_at IS NOT NULL;
-- DNS proves a domain for one workspace. What an operator vouches for may be in several.
CREATE UNIQUE INDEX domain_proved ON domain (domain) WHERE verified_by = 'dns';

-- When the metadata of a provider is to be fetched again, and what the last answer said of itself.
CREATE TABLE saml_metadata_refresh (
  workspace_id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  -- The address that the rest is about.
  url TEXT NOT NULL,
  etag TEXT,
  last_modified TEXT,
  due_at BIGINT NOT NULL,
  -- In a row.
  failures BIGINT NOT NULL,
  -- Until then one replica is at it.
  claimed_until BIGINT NOT NULL,
  -- What the last change of keys or addresses was, `roll_over` or `replaced`, and when.
  note TEXT,
  noted_at BIGINT,
  PRIMARY KEY (workspace_id, provider_id)
);

-- Which ends of certificates were announced, and how many days ahead.
CREATE TABLE saml_certificate_notice (
  workspace_id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  -- SHA-256 of the certificate, in hexadecimal.
  certificate TEXT NOT NULL,
  days BIGINT NOT NULL,
  announced_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, provider_id, certificate, days)
);
