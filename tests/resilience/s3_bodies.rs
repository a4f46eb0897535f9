//! Bodies that never end, or not in time: memory and time of a run stay bounded.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::peak_memory::run_measured;
use crate::support::s3::{Bucket, seaweed};
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program};

/// The most memory of a run in this file: a value may have 32 MiB.
const MOST_MIB: u64 = 128;

const HEAD: &str = "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-encoding: binary/bilrost+v1\r\nconnection: close\r\n";

/// Writes pieces until the client is gone.
fn write_for_ever(client: &mut TcpStream, head: &str, piece: &[u8], pause: Duration) {
    let mut sent = client.write_all(format!("{head}\r\n").as_bytes());
    while sent.is_ok() {
        std::thread::sleep(pause);
        sent = client.write_all(piece);
    }
}

struct Setting {
    bucket: Bucket,
    proxy: HttpProxy,
    folder: TempDir,
}

impl Setting {
    fn start() -> Setting {
        let bucket = seaweed().bucket();
        bucket.put(&[("p/pp_epoch_0", b"e\x04\x07\x05\x07\x04\x01\x05\x03\x06\x04\x01", None)]);
        let proxy = HttpProxy::start(&bucket.s3.endpoint);
        Setting { bucket, proxy, folder: TempDir::new().unwrap() }
    }

    /// Lists while every request with this ending is answered so, and returns what the program says.
    #[track_caller]
    fn list(&self, ending: &str, code: i32, respond: fn(&str, &mut TcpStream)) -> String {
        // Time enough to read more than is taken, also while the machine is busy.
        self.list_within("5000", ending, code, respond)
    }

    /// Lists like this with a limit, in milliseconds, for each request.
    #[track_caller]
    fn list_within(
        &self,
        limit: &str,
        ending: &str,
        code: i32,
        respond: fn(&str, &mut TcpStream),
    ) -> String {
        let section = self.bucket.section_at(&self.proxy.endpoint(), "p");
        let toml = write_file(&self.folder, "proxy.toml", &section);
        self.proxy.inject("GET", ending, usize::MAX / 4, HttpFault::Respond(Box::new(respond)));
        let args = ["metadata", "list", "--from", &toml, "--request-timeout", limit];
        let measured = run_measured(command(&program(), &args));
        self.proxy.clear_faults();
        let run = measured.run.expect(code);
        assert!(measured.peak_mib < MOST_MIB, "{} MiB: {}", measured.peak_mib, run.err);
        assert!(measured.took < Duration::from_secs(30), "{:?}: {}", measured.took, run.err);
        run.err
    }
}

#[test]
fn body_that_never_ends_costs_no_more_than_a_value() {
    let setting = Setting::start();
    let words = setting.list("/p/pp_epoch_0", 0, |_, client| {
        write_for_ever(client, HEAD, &[b'e'; 64 << 10], Duration::ZERO);
    });
    assert!(words.contains("pp_epoch_0 does not end, and is not read"), "{words}");
    let words = setting.list("/p/pp_epoch_0", 0, |_, client| {
        let head = format!("{HEAD}content-length: 209715200\r\n");
        write_for_ever(client, &head, &[b'e'; 64 << 10], Duration::ZERO);
    });
    assert!(words.contains("pp_epoch_0 has 200.00 MiB, and is not read"), "{words}");
    // Many of them at once do not add up.
    let names: Vec<_> = (0..16).map(|n| format!("p/pp_epoch_{n}")).collect();
    let objects: Vec<_> = names.iter().map(|name| (name.as_str(), &b"e"[..], None)).collect();
    setting.bucket.put(&objects);
    for name in &names {
        let respond = |_: &str, client: &mut TcpStream| {
            write_for_ever(client, HEAD, &[b'e'; 64 << 10], Duration::ZERO);
        };
        let fault = HttpFault::Respond(Box::new(respond));
        setting.proxy.inject("GET", &format!("/{name}"), usize::MAX / 4, fault);
    }
    let words = setting.list("/none", 0, |_, _| {});
    assert_eq!(words.matches("does not end, and is not read").count(), 16, "{words}");
    // As errors, many of them at once, and as a page of a listing.
    for name in &names {
        let respond = |_: &str, client: &mut TcpStream| {
            let head = "HTTP/1.1 404 Not Found\r\nconnection: close\r\n";
            write_for_ever(client, head, &[b' '; 64 << 10], Duration::ZERO);
        };
        let fault = HttpFault::Respond(Box::new(respond));
        setting.proxy.inject("GET", &format!("/{name}"), usize::MAX / 4, fault);
    }
    let words = setting.list("/none", 6, |_, _| {});
    assert!(words.contains("the answer has more than 256 KiB"), "{words}");
    let listing = format!("/{}/", setting.bucket.name);
    let words = setting.list(&listing, 6, |_, client| {
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
        write_for_ever(client, head, &[b' '; 64 << 10], Duration::ZERO);
    });
    assert!(words.contains("the answer has more than 32 MiB"), "{words}");
    // As the page of a gateway, which is no listing.
    let words = setting.list(&listing, 6, |_, client| {
        let page = "HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n<html>login</html>\n";
        let _ = client.write_all(page.as_bytes());
    });
    assert!(words.contains("200, with other content than S3's"), "{words}");
}

#[test]
fn body_of_a_byte_a_second_ends_after_the_time_of_a_request() {
    let setting = Setting::start();
    let words = setting.list_within("1000", "/p/pp_epoch_0", 6, |_, client| {
        write_for_ever(client, HEAD, b"e", Duration::from_millis(400));
    });
    assert!(words.contains("the body of the object is too slow"), "{words}");
    let listing = format!("/{}/", setting.bucket.name);
    let words = setting.list_within("1000", &listing, 6, |_, client| {
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
        write_for_ever(client, head, b" ", Duration::from_millis(400));
    });
    assert!(words.contains("can't be reached"), "{words}");
}

#[test]
fn old_value_written_as_a_list_of_numbers_costs_no_more_than_its_bytes() {
    let setting = Setting::start();
    let words = setting.list("/p/pp_epoch_0", 0, |_, client| {
        let count = 31_u32 << 20;
        let mut body =
            b"e\xa2\x67version\x62V1\x65value\x82\xa2\x67version\x01\x65value\x9a".to_vec();
        body.extend(count.to_be_bytes());
        body.resize(body.len() + usize::try_from(count).unwrap(), 1);
        // The salt.
        body.push(1);
        let head = HEAD.replace("bilrost+v1", "cbor");
        let _ =
            client.write_all(format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes());
        let _ = client.write_all(&body);
    });
    assert!(!words.contains("does not decode"), "{words}");
}
