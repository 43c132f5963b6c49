-- Single logout.

-- What else the identity provider said of the NameID in `subject`, as JSON: its format and qualifiers. NULL if nothing. A
-- LogoutRequest repeats it.
ALTER TABLE session ADD COLUMN name_id_form TEXT;

-- An identity provider names sessions by their subject.
CREATE INDEX session_by_subject ON session (workspace_id, provider, subject, id)
  WHERE ended_at IS NULL AND subject IS NOT NULL;

-- Log-outs that were begun here and go on at the identity provider, each bound to one browser. The session has ended before.
CREATE TABLE saml_logout_flow (
  workspace_id TEXT NOT NULL,
  -- ID of the LogoutRequest.
  request_id TEXT NOT NULL,
  browser_hash BLOB NOT NULL,
  -- Entity id of the identity provider: nobody else may answer.
  provider TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (workspace_id, request_id)
);
CREATE UNIQUE INDEX saml_logout_flow_browser ON saml_logout_flow (workspace_id, browser_hash);

-- Who was logged out by an identity provider, for as long as an assertion from before may still arrive (SAML Core 3.7.3.2).
CREATE TABLE saml_logged_out (
  workspace_id TEXT NOT NULL,
  -- SHA-256 of provider, NameID and SessionIndex, which is empty for every session of the NameID.
  name_hash BLOB NOT NULL,
  -- IssueInstant of the LogoutRequest: whoever signed in there before is logged out.
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, name_hash)
);
