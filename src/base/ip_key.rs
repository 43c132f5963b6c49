//! Pure: addresses as text whose order is theirs, so that a network is a range.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// 32 hexadecimal digits of an address in its IPv6 form; empty for text that is none.
pub fn ip_key(address: &str) -> String {
    address.parse::<IpAddr>().map_or_else(|_| String::new(), |address| digits(six(address)))
}

/// The first and last key of a network.
pub fn ip_range(network: &IpNet) -> (String, String) {
    (digits(six(network.network())), digits(six(network.broadcast())))
}

fn six(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    }
}

fn digits(address: Ipv6Addr) -> String {
    format!("{:032x}", address.to_bits())
}
