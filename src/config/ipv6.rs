//! IPv6 addresses where a host is written: in brackets, without a zone.

use std::net::Ipv6Addr;

/// Describes what is wrong with `host:port` as an IPv6 address, and what to write, to be read after
/// it; `None` if it is not one, or a right one.
///
/// `port` is the one that is suggested where none is given.
pub(crate) fn describe_fault(authority: &str, port: u16) -> Option<String> {
    let bare = authority.trim_end_matches('/');
    match bare.strip_prefix('[') {
        Some(inside) => in_brackets(inside, port),
        None if bare.matches(':').count() > 1 => without_brackets(bare, port),
        None => None,
    }
}

fn in_brackets(inside: &str, port: u16) -> Option<String> {
    let Some((literal, behind)) = inside.split_once(']') else {
        return Some(format!("has no closing bracket, as in [::1]:{port}"));
    };
    if let Some(zone) = zone(literal) {
        return Some(zone);
    }
    if literal.parse::<Ipv6Addr>().is_err() {
        return Some(format!("has no IPv6 address in its brackets, as [::1]:{port} has"));
    }
    let is_port =
        |text: &str| text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (!behind.is_empty() && !is_port(behind))
        .then(|| format!("has no port behind its brackets, as in [{literal}]:{port}"))
}

fn without_brackets(bare: &str, port: u16) -> Option<String> {
    let is_literal = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let (address, with_zone) =
        bare.split_once('%').map_or((bare, false), |(address, _)| (address, true));
    let with_port = bare
        .rsplit_once(':')
        .filter(|(address, port)| is_literal(address) && port.parse::<u16>().is_ok());
    let write = match with_port {
        Some((address, port)) => format!("[{address}]:{port}"),
        None if is_literal(address) => format!("[{address}]:{port}"),
        None => return None,
    };
    if with_zone {
        return zone(bare);
    }
    Some(format!("is an IPv6 address without brackets; write {write}"))
}

fn zone(literal: &str) -> Option<String> {
    let (_, zone) = literal.split_once('%')?;
    Some(format!(
        "has a zone (%{zone}), which means something on one machine only; write a name, or an address \
         without a zone"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_or_no_ipv6_is_left_alone() {
        for text in ["[::1]:5122", "[fd00::1]", "[::1]/", "localhost:1", "127.0.0.1:1", "a:b:c", ""]
        {
            assert_eq!(describe_fault(text, 5122), None, "{text}");
        }
    }

    #[test]
    fn ipv6_fault_names_what_to_write() {
        let told: Vec<_> = [
            "::1",
            "fd00::2",
            "::1:14801",
            "fe80::1%eth0",
            "[fe80::1%eth0]:1",
            "[fe80::1%25eth0]:1",
            "[::1",
            "[::g]:1",
            "[::1]x",
            "[::1]:",
            "[::1]:99999",
        ]
        .map(|text| format!("{text:?} {}", describe_fault(text, 5122).unwrap()))
        .into();
        insta::assert_snapshot!(told.join("\n"), @r#"
        "::1" is an IPv6 address without brackets; write [::1]:5122
        "fd00::2" is an IPv6 address without brackets; write [fd00::2]:5122
        "::1:14801" is an IPv6 address without brackets; write [::1]:14801
        "fe80::1%eth0" has a zone (%eth0), which means something on one machine only; write a name, or an address without a zone
        "[fe80::1%eth0]:1" has a zone (%eth0), which means something on one machine only; write a name, or an address without a zone
        "[fe80::1%25eth0]:1" has a zone (%25eth0), which means something on one machine only; write a name, or an address without a zone
        "[::1" has no closing bracket, as in [::1]:5122
        "[::g]:1" has no IPv6 address in its brackets, as [::1]:5122 has
        "[::1]x" has no port behind its brackets, as in [::1]:5122
        "[::1]:" has no port behind its brackets, as in [::1]:5122
        "[::1]:99999" has no port behind its brackets, as in [::1]:5122
        "#);
    }
}
