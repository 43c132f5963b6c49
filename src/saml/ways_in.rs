//! Pure: by which ways people of a workspace could sign in, given its identity providers.

use super::affected::required_domains;
use super::provider::{Outline, StoredProvider, serves};
use crate::users::sign_in_ways::Ways;

/// The ways that these providers leave open, of which those count that are switched on. `verified`: the workspace's domains.
pub fn ways_in(providers: &[StoredProvider], verified: &[String]) -> Ways {
    let known: Vec<Outline> = providers.iter().map(StoredProvider::outline).collect();
    let mut ways = Ways::default();
    for provider in providers.iter().filter(|provider| provider.enabled) {
        ways.add_provider(&provider.entity_id, provider.by_owner);
        let served: Vec<String> =
            verified.iter().filter(|domain| serves(&known, &provider.id, domain)).cloned().collect();
        if provider.settings.link_existing {
            for domain in &served {
                ways.add_domain(domain, provider.by_owner);
            }
        }
        for domain in required_domains([&provider.settings], &served) {
            ways.refuse_passwords(&domain);
        }
    }
    ways
}

/// The providers after a change of one of them.
pub fn changed(
    providers: &[StoredProvider],
    before: Option<&StoredProvider>,
    after: Option<&StoredProvider>,
) -> Vec<StoredProvider> {
    let stays = |provider: &&StoredProvider| before.is_none_or(|before| before.id != provider.id);
    providers.iter().filter(stays).chain(after).cloned().collect()
}
