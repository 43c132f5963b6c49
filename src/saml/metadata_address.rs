//! Pure: which addresses metadata may be fetched from.
//!
//! An administrator of a workspace names the address, and this process, which may stand in somebody's inner network, calls it.
//! So only https to public addresses is called, and nothing that two readers could understand differently. An operator can name
//! hosts that may be private.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

const MAX_URL: usize = 2_048;
/// Addresses of one name that are looked at; a name with more is refused.
const MAX_ADDRESSES: usize = 32;

/// An address that was judged.
#[derive(Clone, Debug)]
pub struct Source {
    pub url: Url,
    /// The name or literal address, as the URL has it.
    pub host: String,
    pub port: u16,
    /// The address, if the URL names one instead of a name.
    pub literal: Option<IpAddr>,
    /// Whether the operator lets this host be private.
    pub may_be_private: bool,
}

/// Judges the text of an address. `allowed` holds hosts with their ports.
///
/// # Errors
/// A sentence for the administrator.
pub fn judge_url(text: &str, allowed: &[String]) -> Result<Source, String> {
    let plain = text.len() <= MAX_URL && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let rest = text.strip_prefix("https://").filter(|_| plain);
    let rest = rest.ok_or("must be an https:// address of printable ASCII, 2,048 characters at the most")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("must have no user name and no password".to_owned());
    }
    let url = Url::parse(text).map_err(|_| "is not an address that can be called")?;
    if url.fragment().is_some() {
        return Err("must have no fragment".to_owned());
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    // What a library would understand otherwise than it is written: numbers as addresses, percent signs.
    if host.is_empty() || !written_as(&authority.to_ascii_lowercase(), &host) {
        return Err("must have its host in the usual spelling".to_owned());
    }
    let port = url.port_or_known_default().filter(|port| *port != 0).ok_or("must have a port that can be called")?;
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    let here = format!("{host}:{port}");
    let may_be_private = allowed.iter().any(|known| known.eq_ignore_ascii_case(&here));
    let is_name = literal.is_none() && host.contains('.') && !host.ends_with('.');
    if !is_name && !may_be_private {
        return Err("must name its host by a whole domain name".to_owned());
    }
    Ok(Source { url, host, port, literal, may_be_private })
}

/// Whether the authority is this host, and perhaps a port.
fn written_as(authority: &str, host: &str) -> bool {
    match authority.strip_prefix(host) {
        Some("") => true,
        Some(port) => {
            let digits = port.strip_prefix(':').unwrap_or_default();
            (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => false,
    }
}

/// The addresses to connect to, all of which were judged: one that isn't public refuses the whole name, since whoever mixes them
/// means no good.
///
/// # Errors
/// What it was, for the log only: administrators read [`not_callable`].
pub fn judge_addresses(source: &Source, found: &[IpAddr]) -> Result<Vec<SocketAddr>, &'static str> {
    if found.is_empty() {
        return Err("the host has no address");
    }
    if found.len() > MAX_ADDRESSES {
        return Err("the host has too many addresses");
    }
    if !source.may_be_private && !found.iter().all(|address| is_public(*address)) {
        return Err("the host has an address that is not public");
    }
    Ok(found.iter().map(|address| SocketAddr::new(*address, source.port)).collect())
}

/// What an administrator is told of a host whose addresses can't be called. One sentence for all of it: which names there are in
/// the operator's network, and which aren't, is not theirs to find out.
pub fn not_callable(source: &Source) -> String {
    format!(
        "{} is not a public host, or has no address: an operator can allow it (saml.metadata_hosts_allowed)",
        source.host
    )
}

/// IPv4 networks that aren't the public internet, or lead somewhere else (IANA's special-purpose registry).
const PRIVATE_V4: [(Ipv4Addr, u32); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, and most clouds' metadata service.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
    // A public address that a cloud answers from the inside.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// The one IPv6 network that is the public internet, and what in it isn't.
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const PRIVATE_V6: [(Ipv6Addr, u32); 4] = [
    // Protocols, among them Teredo, ORCHID and benchmarks.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4 leads to any IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is one of the public internet. IPv4 in IPv6 (mapped, NAT64, 6to4) never is.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => !PRIVATE_V4.iter().any(|(base, length)| {
            let differing = u32::from(four) ^ u32::from(*base);
            differing.checked_shr(32 - length).unwrap_or(0) == 0
        }),
        IpAddr::V6(six) => is_in(six, &PUBLIC_V6) && !PRIVATE_V6.iter().any(|network| is_in(six, network)),
    }
}

fn is_in(address: Ipv6Addr, (base, length): &(Ipv6Addr, u32)) -> bool {
    let differing = u128::from(address) ^ u128::from(*base);
    differing.checked_shr(128 - length).unwrap_or(0) == 0
}
