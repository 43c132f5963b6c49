-- What an identity provider's token may choose.

-- What a PATCH is answered with: `resource` (200) or `no_content` (204), for tenants with very large groups.
ALTER TABLE credential ADD COLUMN patch_response TEXT NOT NULL DEFAULT 'resource';
