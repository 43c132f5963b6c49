//! Pure: the IP allowlist: networks, the mode, and whether an address passes.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Entries at the most.
pub const MAX_ENTRIES: usize = 1_000;

/// What the allowlist does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    #[default]
    Off,
    /// Would-be refusals are logged; nobody is refused.
    Report,
    Enforce,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Enforce => "enforce",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Off, Self::Report, Self::Enforce].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// A network that is allowed, and what a person calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub cidr: IpNet,
    pub label: String,
}

/// The list of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpAllowlist {
    pub mode: Mode,
    pub entries: Arc<[Network]>,
    pub version: i64,
}

/// The verdict on an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    Allowed,
    /// Report mode: it would have been refused.
    Reported,
    Refused,
}

impl IpAllowlist {
    /// Whether a client at `address` may be served. An unknown address is in no network.
    pub fn judge(&self, address: Option<IpAddr>) -> Passage {
        match (self.mode, address.is_some_and(|address| self.contains(address))) {
            (Mode::Off, _) | (_, true) => Passage::Allowed,
            (Mode::Report, false) => Passage::Reported,
            (Mode::Enforce, false) => Passage::Refused,
        }
    }

    /// Whether an address is in one of the networks, whatever the mode.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.entries.iter().any(|entry| entry.cidr.contains(&address))
    }
}

/// An allowlist made ready for many questions: sorted ranges that don't overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    mode: Mode,
    four: Box<[(u32, u32)]>,
    six: Box<[(u128, u128)]>,
}

impl Ranges {
    pub fn of(list: &IpAllowlist) -> Self {
        let (mut four, mut six) = (Vec::new(), Vec::new());
        for entry in list.entries.iter() {
            match entry.cidr {
                IpNet::V4(net) => four.push((net.network().to_bits(), net.broadcast().to_bits())),
                IpNet::V6(net) => six.push((net.network().to_bits(), net.broadcast().to_bits())),
            }
        }
        Self { mode: list.mode, four: merged(four), six: merged(six) }
    }

    /// As `IpAllowlist::judge`.
    pub fn judge(&self, address: Option<IpAddr>) -> Passage {
        if self.mode == Mode::Off {
            return Passage::Allowed;
        }
        let inside = match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => holds(&self.four, address.to_bits()),
            Some(IpAddr::V6(address)) => holds(&self.six, address.to_bits()),
            None => false,
        };
        match (self.mode, inside) {
            (_, true) | (Mode::Off, _) => Passage::Allowed,
            (Mode::Report, false) => Passage::Reported,
            (Mode::Enforce, false) => Passage::Refused,
        }
    }
}

fn merged<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Box<[(T, T)]> {
    ranges.sort_unstable();
    let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged.into_boxed_slice()
}

fn holds<T: Ord + Copy>(ranges: &[(T, T)], value: T) -> bool {
    let after = ranges.partition_point(|range| range.0 <= value);
    after > 0 && value <= ranges[after - 1].1
}

/// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. IPv4-mapped networks become IPv4; host bits are dropped.
pub fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?.to_canonical()),
    };
    let network = match network {
        IpNet::V6(six) if six.addr().to_ipv4_mapped().is_some() && six.prefix_len() >= 96 => {
            IpNet::new(six.addr().to_canonical(), six.prefix_len() - 96).ok()?
        }
        other => other,
    };
    Some(network.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(mode: Mode, networks: &[&str]) -> IpAllowlist {
        let network = |text: &&str| Network { cidr: parse_network(text).expect("a network"), label: String::new() };
        IpAllowlist { mode, entries: networks.iter().map(network).collect(), version: 1 }
    }

    #[test]
    fn mapped_addresses_are_the_addresses_they_map() {
        let list = list(Mode::Enforce, &["::ffff:10.0.0.0/104", "2001:db8::1"]);
        assert_eq!(list.entries[0].cidr.to_string(), "10.0.0.0/8");
        for (address, expected) in [
            ("10.1.2.3", Passage::Allowed),
            ("::ffff:10.1.2.3", Passage::Allowed),
            ("11.0.0.1", Passage::Refused),
            ("2001:db8::1", Passage::Allowed),
            ("2001:db8::2", Passage::Refused),
        ] {
            assert_eq!(list.judge(address.parse().ok()), expected, "{address}");
        }
        assert_eq!(list.judge(None), Passage::Refused);
    }

    #[test]
    fn ranges_judge_as_the_list_does() {
        let networks = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.255.255.255",
            "192.0.2.0/31",
            "2001:db8::/32",
            "2001:db8:1::/48",
            "::/127",
        ];
        let addresses = [
            "9.255.255.255",
            "10.0.0.0",
            "10.1.2.3",
            "10.255.255.255",
            "11.0.0.0",
            "192.0.2.0",
            "192.0.2.1",
            "192.0.2.2",
            "::ffff:10.9.9.9",
            "::",
            "::1",
            "::2",
            "2001:db7:ffff::",
            "2001:db8::",
            "2001:db8:ffff::1",
            "2001:db9::",
        ];
        for mode in [Mode::Off, Mode::Report, Mode::Enforce] {
            for networks in [&networks[..], &[]] {
                let list = list(mode, networks);
                let ranges = Ranges::of(&list);
                for address in addresses {
                    let address = address.parse().ok();
                    assert_eq!(ranges.judge(address), list.judge(address), "{mode:?} {address:?}");
                }
                assert_eq!(ranges.judge(None), list.judge(None));
            }
        }
    }

    #[test]
    fn modes() {
        let outside = "192.0.2.1".parse().ok();
        assert_eq!(list(Mode::Off, &["10.0.0.0/8"]).judge(outside), Passage::Allowed);
        assert_eq!(list(Mode::Report, &["10.0.0.0/8"]).judge(outside), Passage::Reported);
        assert_eq!(list(Mode::Enforce, &["10.0.0.0/8"]).judge(outside), Passage::Refused);
        assert_eq!(parse_network("10.0.0.0/33"), None);
        assert_eq!(parse_network("example.com"), None);
    }
}
