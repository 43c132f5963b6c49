//! What must be so before single sign-on is required of the people of a domain: it works, for whoever asks, and an owner gets in
//! without it. Who is affected then: `workspaces/single_sign_on.rs`.

use super::provider::StoredProvider;
use super::settings::Enforcement;
use crate::base::clock::UnixMillis;
use crate::base::ids::{UserId, WorkspaceId};
use crate::db::Read;
use crate::error::{CONFLICT, Error, Result};
use crate::policy::model::{MINUTE_MS, Policy};
use crate::policy::store as policies;
use crate::users::single_sign_on::has_owner_with_password;
use crate::workspaces::store as workspaces;

/// How long a successful test counts: an hour.
const TEST_MS: i64 = 60 * MINUTE_MS;

/// Refuses to require a provider of more people than before unless everything is ready for it. `by`: who asks; nobody's test
/// counts for anybody else.
///
/// # Errors
/// 409 naming `enforcement`, with the first thing that is missing.
pub(super) async fn require_ready(
    db: &mut Read,
    workspace: &WorkspaceId,
    before: Option<&StoredProvider>,
    after: &StoredProvider,
    by: Option<&UserId>,
    now: UnixMillis,
) -> Result<()> {
    if after.settings.enforcement == Enforcement::Optional || asks_no_more(before, after) {
        return Ok(());
    }
    let verified = workspaces::list_verified(db, workspace).await?;
    let policy = policies::load(db, workspace).await?;
    let known = Known {
        domains_verified: after.settings.domains.iter().all(|name| verified.contains(name)),
        owner_with_password: has_owner_with_password(db, workspace).await?,
        policy: &policy,
    };
    match missing(after, by, &known, now) {
        None => Ok(()),
        Some(text) => Err(Error::new(CONFLICT, text).with_field("enforcement")),
    }
}

/// Whether it was required already of everybody of whom it is now.
fn asks_no_more(before: Option<&StoredProvider>, after: &StoredProvider) -> bool {
    before.is_some_and(|before| {
        let all_before = after.settings.domains.iter().all(|domain| before.settings.domains.contains(domain));
        let in_force = before.enabled && before.settings.enforcement == Enforcement::Required;
        in_force && after.enabled && all_before && !after.settings.domains.is_empty()
    })
}

/// What the workspace says.
struct Known<'a> {
    domains_verified: bool,
    owner_with_password: bool,
    policy: &'a Policy,
}

fn missing(after: &StoredProvider, by: Option<&UserId>, known: &Known<'_>, now: UnixMillis) -> Option<&'static str> {
    let own_test = by.is_some() && after.tested_by.as_ref() == by;
    let fresh = after.tested_at.is_some_and(|at| at <= now && now - at <= TEST_MS);
    let wanted = [
        (after.enabled, "the identity provider is switched off: switch it on first"),
        (
            !after.settings.domains.is_empty(),
            "name the verified domains whose people it shall be required of: `domains`",
        ),
        (known.domains_verified, "one of its `domains` is not verified any more"),
        (known.policy.saml_allowed, "the policy admits no SAML: nobody could sign in"),
        (
            known.policy.password_allowed,
            "the policy admits no passwords: no owner could get in without the identity provider",
        ),
        (
            known.owner_with_password,
            "no active owner has a password: nobody could get in without the identity provider",
        ),
        (
            own_test && fresh,
            "test the connection successfully first: you yourself, within the last hour, with the settings as they shall be; \
             a test counts if it was begun and ended in the browser you are signed in with",
        ),
    ];
    wanted.into_iter().find(|(so, _)| !so).map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::ProviderId;
    use crate::saml::sealed::EncryptedAssertions;
    use crate::saml::settings::ProviderSettings;

    const NOW: i64 = 1_795_488_638_000;

    fn ready(by: &UserId) -> StoredProvider {
        let settings = ProviderSettings {
            domains: vec!["corp.test".into()],
            enforcement: Enforcement::Required,
            ..ProviderSettings::default()
        };
        StoredProvider {
            id: ProviderId::from_text("a"),
            entity_id: "https://idp.test".into(),
            name: "IdP".into(),
            metadata: String::new(),
            metadata_url: None,
            fetched_at: None,
            fetch_error: None,
            enabled: true,
            by_owner: true,
            encrypted_assertions: EncryptedAssertions::Optional,
            settings,
            tested_at: Some(NOW - TEST_MS),
            tested_by: Some(by.clone()),
            version: 2,
            created_at: 0,
            updated_at: 0,
        }
    }

    #[test]
    fn each_thing_that_is_missing_is_said() {
        let (by, other) = (UserId::from_text("ada"), UserId::from_text("eve"));
        let policy = Policy::default();
        let known = Known { domains_verified: true, owner_with_password: true, policy: &policy };
        let provider = ready(&by);
        assert_eq!(missing(&provider, Some(&by), &known, NOW), None);
        let says = |provider: &StoredProvider, by: Option<&UserId>, known: &Known<'_>, now: i64, word: &str| {
            let text = missing(provider, by, known, now).unwrap_or_default();
            assert!(text.contains(word), "{word}: {text}");
        };
        says(&provider, Some(&by), &known, NOW + 1, "last hour");
        says(&provider, Some(&other), &known, NOW, "you yourself");
        says(&provider, None, &known, NOW, "test the connection");
        says(&StoredProvider { tested_at: None, ..ready(&by) }, Some(&by), &known, NOW, "test the connection");
        says(&StoredProvider { tested_by: None, ..ready(&by) }, Some(&by), &known, NOW, "test the connection");
        says(&StoredProvider { enabled: false, ..ready(&by) }, Some(&by), &known, NOW, "switched off");
        let nobody = StoredProvider {
            settings: ProviderSettings { enforcement: Enforcement::Required, ..ProviderSettings::default() },
            ..ready(&by)
        };
        says(&nobody, Some(&by), &known, NOW, "domains");
        says(&provider, Some(&by), &Known { domains_verified: false, ..known }, NOW, "not verified");
        let known = Known { domains_verified: true, owner_with_password: false, policy: &policy };
        says(&provider, Some(&by), &known, NOW, "no active owner");
        let no_passwords = Policy { password_allowed: false, ..Policy::default() };
        let known = Known { domains_verified: true, owner_with_password: true, policy: &no_passwords };
        says(&provider, Some(&by), &known, NOW, "no passwords");
    }

    #[test]
    fn what_was_required_of_them_already_needs_no_test() {
        let before = ready(&UserId::from_text("ada"));
        assert!(asks_no_more(Some(&before), &before));
        assert!(!asks_no_more(None, &before));
        let mut more = before.clone();
        more.settings.domains.push("second.test".into());
        assert!(!asks_no_more(Some(&before), &more) && asks_no_more(Some(&more), &before));
        let off = StoredProvider { enabled: false, ..before.clone() };
        assert!(!asks_no_more(Some(&off), &before) && !asks_no_more(Some(&before), &off));
    }
}
