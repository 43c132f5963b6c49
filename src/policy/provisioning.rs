//! Pure: what provisioning may do: which groups let people in, whom it may take over, how many it may lock out at once. No
//! check of a session reads it.

use crate::base::ids::GroupId;

/// Groups that let people in, at the most.
pub const MAX_ACCESS_GROUPS: usize = 100;

/// The settings of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioning {
    /// A provisioned user has to be in one of them; empty: everybody may sign in. Sorted, each once.
    pub access_groups: Vec<GroupId>,
    /// Whether a new user of the identity provider may be somebody who is here already, known by an address of a verified
    /// domain.
    pub link_by_verified_email: bool,
    /// Users who may lose access within ten minutes before the next ones wait for approval. 0 is no such number.
    pub deprovision_hold_count: i64,
    /// The same as a share of the provisioned users, 0 to 100. The larger of the two counts.
    pub deprovision_hold_percent: i64,
}

impl Default for Provisioning {
    fn default() -> Self {
        Self {
            access_groups: Vec::new(),
            link_by_verified_email: false,
            deprovision_hold_count: 50,
            deprovision_hold_percent: 20,
        }
    }
}

impl Provisioning {
    /// # Errors
    /// The field that is out of range, and its range.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if self.access_groups.len() > MAX_ACCESS_GROUPS {
            return Err(("access_groups", "may have 100 groups at the most"));
        }
        if !(0..=1_000_000).contains(&self.deprovision_hold_count) {
            return Err(("deprovision_hold_count", "must be between 0 and 1000000"));
        }
        if !(0..=100).contains(&self.deprovision_hold_percent) {
            return Err(("deprovision_hold_percent", "must be between 0 and 100"));
        }
        Ok(())
    }
}

/// How many users may lose access within the window, of `base` who have it; `None` if nothing holds.
pub fn hold_limit(count: i64, percent: i64, base: i64) -> Option<i64> {
    if count == 0 && percent == 0 {
        return None;
    }
    // Rounded up: of three people, one may leave.
    let share = (base.max(0).saturating_mul(percent)).saturating_add(99) / 100;
    Some(count.max(share))
}

/// Groups in the order in which they are kept, each once.
pub fn sorted(mut groups: Vec<GroupId>) -> Vec<GroupId> {
    groups.sort();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_limit_counts() {
        for ((count, percent, base), limit) in [
            ((50, 20, 10), Some(50)),
            ((50, 20, 1_000), Some(200)),
            ((0, 20, 3), Some(1)),
            ((5, 0, 1_000), Some(5)),
            ((0, 0, 1_000), None),
            ((0, 20, 0), Some(0)),
        ] {
            assert_eq!(hold_limit(count, percent, base), limit, "{count} {percent} {base}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let with = |count, percent| Provisioning {
            deprovision_hold_count: count,
            deprovision_hold_percent: percent,
            ..Provisioning::default()
        };
        assert_eq!(Provisioning::default().validate(), Ok(()));
        assert_eq!(with(-1, 0).validate().map_err(|(field, _)| field), Err("deprovision_hold_count"));
        assert_eq!(with(0, 101).validate().map_err(|(field, _)| field), Err("deprovision_hold_percent"));
        let many = (0..=MAX_ACCESS_GROUPS).map(|number| GroupId::from_text(number.to_string())).collect();
        let many = Provisioning { access_groups: many, ..Provisioning::default() };
        assert_eq!(many.validate().map_err(|(field, _)| field), Err("access_groups"));
    }
}
