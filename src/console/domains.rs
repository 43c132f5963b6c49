//! The domains of the workspace, as the Security page shows them: which are verified, and the TXT records that prove the others.

use super::parts::{Badge, CopyField, Moment};

/// The section; its form posts to `/console/security/domains`.
#[derive(Debug, Clone)]
pub struct DomainsForm {
    /// By name.
    pub rows: Vec<DomainRow>,
    /// Field `domain`, as typed.
    pub domain: String,
}

/// One domain. Its forms post to `/console/security/domains/{domain}/…`.
#[derive(Debug, Clone)]
pub struct DomainRow {
    /// In ASCII: it stands in addresses.
    pub domain: String,
    /// `Verified`, `Vouched for`, `Not verified`.
    pub state: Badge,
    /// False shows the record and the button that looks it up.
    pub verified: bool,
    /// When it became verified, if it is.
    pub since: Option<Moment>,
    /// When DNS was last asked.
    pub checked: Option<Moment>,
    /// Name and value of the TXT record, to copy.
    pub record: Vec<CopyField>,
}
