//! Pure: the client's true address behind reverse proxies.
//!
//! Forwarding headers count only from a peer in `trusted_proxies`; `X-Forwarded-For` is then walked from right to left over
//! trusted hops, and the first other hop is the client. `Forwarded` and `X-Real-IP` are never read: two conventions at once
//! are a way to contradict each other.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// A forwarding header from a trusted proxy that can't be read: nobody may guess what it meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The client's address; `None` behind a trusted proxy that doesn't say: its own address is nobody's. `forwarded_for` are the values of all `X-Forwarded-For` lines in their order.
///
/// # Errors
/// `Unreadable` for a hop that is not an address.
pub fn client_address<'a>(
    peer: IpAddr,
    forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> Result<Option<IpAddr>, Unreadable> {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let mut hops = forwarded_for.rev().flat_map(|line| line.rsplit(',')).peekable();
    if is_trusted(&client) && hops.peek().is_none() {
        return Ok(None);
    }
    for hop in hops {
        if !is_trusted(&client) {
            break;
        }
        client = parse_hop(hop).ok_or(Unreadable)?;
    }
    Ok(Some(client))
}

/// `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1`, `[2001:db8::1]:4711`, with a zone id or not.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let without_zone = inner.split_once('%').map_or(inner, |(address, _)| address);
    without_zone.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str], trusted: &[&str]) -> Result<String, Unreadable> {
        let trusted: Vec<IpNet> = trusted.iter().map(|text| text.parse().expect("a network")).collect();
        let peer = peer.parse().expect("an address");
        client_address(peer, lines.iter().copied(), &trusted)
            .map(|address| address.map_or("unknown".to_owned(), |address| address.to_string()))
    }

    #[test]
    fn an_untrusted_peer_is_the_client() {
        assert_eq!(client("198.51.100.9", &["203.0.113.7"], &["10.0.0.0/8"]), Ok("198.51.100.9".into()));
        assert_eq!(client("198.51.100.9", &["garbage"], &[]), Ok("198.51.100.9".into()));
    }

    #[test]
    fn trusted_hops_are_walked_from_the_right() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 203.0.113.7, 10.9.9.9"], &trusted), Ok("203.0.113.7".into()));
        assert_eq!(client("::ffff:10.0.0.1", &["1.1.1.1", "203.0.113.7:99"], &trusted), Ok("203.0.113.7".into()));
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:443"], &trusted), Ok("2001:db8::1".into()));
        assert_eq!(client("10.0.0.1", &["fe80::1%eth0"], &trusted), Ok("fe80::1".into()));
        assert_eq!(client("10.0.0.1", &["::ffff:203.0.113.7"], &trusted), Ok("203.0.113.7".into()));
        assert_eq!(client("10.0.0.1", &[], &trusted), Ok("unknown".into()));
        assert_eq!(client("10.0.0.1", &["10.1.2.3"], &trusted), Ok("10.1.2.3".into()));
    }

    #[test]
    fn an_unreadable_hop_is_refused_where_it_would_matter() {
        assert_eq!(client("10.0.0.1", &["203.0.113.7, unknown"], &["10.0.0.0/8"]), Err(Unreadable));
        assert_eq!(client("10.0.0.1", &["unknown, 203.0.113.7"], &["10.0.0.0/8"]), Ok("203.0.113.7".into()));
        assert_eq!(client("10.0.0.1", &[""], &["10.0.0.0/8"]), Err(Unreadable));
    }
}
