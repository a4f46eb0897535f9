//! The quota of an etcd before 3.6, which only its metrics have.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::transport::Address;

/// The name of the number.
const QUOTA: &str = "etcd_server_quota_backend_bytes";

/// The most bytes of metrics that are read; etcd has about 150 kB.
const MAX_METRICS: u64 = 4 << 20;

/// Connects to where the metrics are. The caller limits the time.
pub(super) async fn connect(address: &Address) -> Option<TcpStream> {
    let authority = address.uri().authority()?;
    let host = authority.host().trim_matches(['[', ']']);
    TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await.ok()
}

/// Reads the quota in bytes; `None` where it is unknown, or there is none. The caller limits the time.
pub(super) async fn read_quota(address: &Address, mut stream: TcpStream) -> Option<u64> {
    let authority = address.uri().authority()?;
    // In this version of HTTP, the answer comes in one piece and ends with the connection.
    let request = format!("GET /metrics HTTP/1.0\r\nHost: {authority}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.take(MAX_METRICS).read_to_end(&mut answer).await.ok()?;
    find_quota(&String::from_utf8_lossy(&answer))
}

fn find_quota(metrics: &str) -> Option<u64> {
    let value = metrics.lines().find_map(|line| line.strip_prefix(QUOTA)?.strip_prefix(' '))?;
    let quota: f64 = value.trim().parse().ok()?;
    // Zero stands for no quota. A quota is far below what a float holds exactly.
    (1.0..1e15).contains(&quota).then_some(quota as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_is_a_whole_number_in_any_notation() {
        let metrics = |value: &str| {
            format!("HTTP/1.0 200 OK\r\n\r\n# TYPE {QUOTA} gauge\n{QUOTA} {value}\nother 1\n")
        };
        assert_eq!(find_quota(&metrics("2.147483648e+09")), Some(2 << 30));
        assert_eq!(find_quota(&metrics("100000")), Some(100_000));
        for none in ["0", "NaN", "+Inf", "-1", "x"] {
            assert_eq!(find_quota(&metrics(none)), None, "{none}");
        }
        assert_eq!(find_quota("HTTP/1.0 404 Not Found\r\n\r\n"), None);
    }
}
