-- What came back from identity providers: of each provider and outcome the newest twenty.

CREATE TABLE saml_attempt (
  workspace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  at BIGINT NOT NULL,
  -- It may have been removed since.
  provider_id TEXT,
  -- `sign_in`, or `test`: nobody was signed in.
  purpose TEXT NOT NULL,
  -- `accepted` or `refused`.
  outcome TEXT NOT NULL,
  -- The check that decided; NULL if it was accepted.
  refused_check TEXT,
  request_id TEXT NOT NULL,
  ip TEXT NOT NULL,
  -- JSON: every check and what became of it.
  checks TEXT NOT NULL,
  -- Our clock at its arrival less the response's IssueInstant.
  clock_difference_ms BIGINT,
  -- SHA-256 of the certificate that verified it, in hexadecimal.
  certificate TEXT,
  -- The message without its values: elements, names, and the form of each value.
  outline TEXT,
  -- JSON: whom it names, by the form of each value.
  person TEXT,
  -- Who was signed in.
  user_id TEXT,
  -- The administrator who tested.
  begun_by TEXT,
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX saml_attempt_newest ON saml_attempt (workspace_id, at, id);
CREATE INDEX saml_attempt_at ON saml_attempt (at);
