//! Operator errors: each with its exit code and message, and without a panic.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;

use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::full_port::FullPort;
use crate::support::ports::Port;
use crate::support::restate::Cluster;
use crate::support::tool::{
    assert_refused, command, program, restatectl, restatectl_with_input, wait_for_exit,
};

#[test]
fn invalid_store_files_are_refused() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let head = "[metadata-client]\n";
    for (path, words) in [
        ("/nowhere/target.toml".to_owned(), &["/nowhere/target.toml", "No such file"][..]),
        (folder.path().to_str().unwrap().to_owned(), &["holds no store of a metadata server"]),
        ("/dev/zero".to_owned(), &["too large"]),
        (file("a.toml", "[metadata-client\n"), &["a.toml, line 1, column 17"]),
        (file("b.toml", "x = 1\n"), &["b.toml: has no [metadata-client] section"]),
        (file("c.toml", &format!("{head}type = 5")), &["c.toml, line 2, column 8", "type must be"]),
        (file("d.toml", &format!("{head}type = \"zookeeper\"")), &["unknown type \"zookeeper\""]),
        (
            file("e.toml", &format!("{head}type = \"etcd\"\naddresses = []")),
            &["addresses is empty"],
        ),
        (
            file("f.toml", &format!("{head}type = \"etcd\"\naddresses = \"a:1\"")),
            &["must be a list"],
        ),
        (file("g.toml", &format!("{head}type = \"replicated\"")), &["the running cluster itself"]),
        (file("h.toml", ""), &["h.toml is empty", "full disk"]),
    ] {
        for command in ["migrate", "verify", "list"] {
            assert_refused(&["metadata", command, "--toml", &path], 2, "config-invalid", words);
        }
    }
    // Before the cluster is asked, or waited for.
    let plain = format!(
        "{head}type = \"object-store\"\npath = \"s3://b/p\"\naws-region = \"us-east-1\"\n\
         aws-endpoint-url = \"http://127.0.0.1:1\"\n"
    );
    let plain = file("plain.toml", &plain);
    for command in [&["status"][..], &["wait", "--for", "running"]] {
        let args = [command, &["-s", "http://127.0.0.1:1", "--on", &plain]].concat();
        assert_refused(&args, 2, "config-invalid", &["aws-allow-http"]);
    }
    let binary = folder.path().join("binary.toml");
    std::fs::write(&binary, [0x5b, 0xff]).unwrap();
    let binary = binary.to_str().unwrap();
    assert_refused(
        &["metadata", "migrate", "--toml", binary],
        2,
        "config-invalid",
        &["line 1 has the byte 0xFF", "save it as UTF-8"],
    );
    let run =
        restatectl_with_input(&["metadata", "list", "--toml", "-"], "type = \"etcd\"").expect(2);
    assert!(run.err.contains("standard input: has no [metadata-client] section"), "{}", run.err);
}

#[test]
fn invalid_arguments_are_refused() {
    for (args, words) in [
        (&["metadata", "migrate"][..], &["--toml"][..]),
        (&["metadata", "get"], &["--key"]),
        (&["metadata", "get", "-k", ""], &["--key"]),
        (&["metadata", "list", "--nonsense"], &["--nonsense"]),
        (&["metadata", "list", "-s", "ftp://a"], &["is not a valid address"]),
        (&["metadata", "list", "-s", ""], &["--address, or RESTATECTL_ADDRESS, is empty"]),
        (&["metadata", "list", "--request-timeout", "0"], &["--request-timeout"]),
        (&["metadata", "migrate", "--toml", "x", "--ignore-node", "first"], &["such as N3"]),
        (&["nodes", "remove"], &["the official restatectl has it"]),
        (&["status", "--extra"], &["the official restatectl has it"]),
        (&["wait", "--for", "stopped", "--on", "a.toml"], &["--on applies to --for running only"]),
        (&["wait", "--for", "running", "--from", "a.toml"], &["--from applies to --for stopped"]),
        (&["wait", "--for", "running", "--stable-for", "1s"], &["--stable-for applies to --for"]),
        (&["wait", "--for", "running", "--timeout", "5"], &["a time with its unit, such as 90s"]),
        (&["wait", "--for", "running", "--timeout", "8d"], &["expected at most 7 days"]),
        (&["wait", "--for", "running", "-S", "a"], &["--address instead of --single-address"]),
        (&["status", "-S", "a", "--ignore-node", "N1"], &["--ignore-node does not apply"]),
        (&["status", "--on", "/"], &["no cluster runs on a folder"]),
        (&["metadata", "patch", "-k", "x"], &["--patch"]),
        (&["metadata", "backup", "--to", "-"], &["the name of a file"]),
        // Also where no cluster is named: a node that can't be asked would look as if it had stopped.
        (
            &["metadata", "migrate", "--from", "x", "--toml", "y", "--tls-cert", "a.pem"],
            &["--tls-cert and --tls-key must be given together"],
        ),
    ] {
        assert_refused(args, 2, "usage", words);
    }
    let secret = restatectl(&["metadata", "list", "-s", "http://root:s3cr3t@host:1"]).expect(2);
    assert!(!secret.err.contains("s3cr3t"), "{}", secret.err);
}

/// Starts a web server that answers every request with this status.
fn start_web_server(status: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    at
}

#[test]
fn absent_and_foreign_servers_are_reported_as_unavailable() {
    let dead = Port::free();
    let nobody = format!("http://127.0.0.1:{}", dead.number);
    let get = |address: &str| -> Vec<String> {
        ["-s", address, "metadata", "get", "-k", "nodes_config", "--request-timeout", "1500"]
            .map(ToOwned::to_owned)
            .into()
    };
    let unavailable = |address: &str, words: &[&str]| {
        let args = get(address);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        assert_refused(&args, 6, "source-unavailable", words);
    };
    unavailable(&nobody, &["connection refused", &nobody, "fabric"]);
    unavailable("http://no-such-host.invalid:5122", &["no-such-host.invalid"]);
    unavailable("unix:/nowhere.sock", &["no such socket"]);
    // Accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    unavailable(
        &format!("http://{}", silent.local_addr().unwrap()),
        &["no response within 1s 500ms"],
    );
    // Does not even accept: its queue of connections is full, and --connect-timeout ends it.
    let full_port = FullPort::on_any_port();
    let full = format!("http://{}", full_port.address);
    let args =
        ["-s", &full, "--connect-timeout", "300", "--request-timeout", "300", "metadata", "list"];
    let started = std::time::Instant::now();
    assert_refused(&args, 6, "source-unavailable", &[&full]);
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
    // Answers something else.
    let at = start_web_server("400 Bad Request");
    unavailable(&format!("http://{at}"), &["does not speak gRPC"]);
}

#[test]
fn empty_store_is_refused_as_a_source() {
    let (empty, target) = (Etcd::start(), Etcd::start());
    target.put("rule_book", b"\x06\x04\x03");
    target.put("rule_book::version", 3_u32.to_le_bytes());
    let args = ["metadata", "migrate", "--from", &empty.toml(), "--toml", &target.toml()];
    let document = restatectl(&[&args[..], &["-o", "json"]].concat()).expect(5).json();
    assert_eq!(document["error"]["code"], "not-a-restate-store");
    let hints = document["error"]["hints"].to_string();
    assert!(hints.contains("what --from names") && !hints.contains("--overwrite"), "{hints}");
}

#[test]
fn endpoint_of_another_server_is_not_taken_for_s3() {
    let at = start_web_server("404 Not Found");
    let toml = format!(
        "[metadata-client]\ntype = \"object-store\"\npath = \"s3://b/p\"\naws-allow-http = true\n\
         aws-endpoint-url = \"http://{at}\"\naws-region = \"r\"\naws-access-key-id = \"k\"\n\
         aws-secret-access-key = \"s\"\n"
    );
    let started = std::time::Instant::now();
    let run = restatectl_with_input(&["metadata", "list", "--from", "-"], &toml).expect(6);
    assert!(run.err.contains("another server than S3"), "{}", run.err);
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn absent_etcd_is_reported_as_unavailable() {
    let cluster = Cluster::single(1);
    let folder = TempDir::new().unwrap();
    let toml = folder.path().join("etcd.toml");
    let dead = Port::free();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_at = silent.local_addr().unwrap().to_string();
    for (address, words) in [
        (format!("127.0.0.1:{}", dead.number), "connection refused"),
        (silent_at, "no response within"),
    ] {
        std::fs::write(&toml, etcd_section(&[address])).unwrap();
        let toml = toml.to_str().unwrap();
        let at = ["-s", &cluster.address(), "--request-timeout", "1500"];
        for command in [
            &["metadata", "migrate", "--toml", toml, "--dry-run"][..],
            &["metadata", "verify", "--toml", toml],
        ] {
            let code = "target-unavailable";
            let run = restatectl(&[&at, command].concat()).expect(6);
            assert!(run.err.contains(words), "{}", run.err);
            let json = restatectl(&[&at, command, &["-o", "json"]].concat()).expect(6).json();
            assert_eq!(json["error"]["code"], code);
        }
    }
}

#[test]
fn absent_key_is_reported_and_a_closed_pipe_is_not_an_error() {
    let etcd = Etcd::start();
    let get = ["metadata", "get", "-k", "nodes_config", "--from", &etcd.toml()];
    assert_refused(&get, 3, "key-not-found", &["nodes_config does not exist", "metadata list"]);
    for number in 0..3000 {
        if number % 1000 == 0 {
            etcd.put(&format!("pp_epoch_{number}"), "x");
            etcd.put(&format!("pp_epoch_{number}::version"), 1_u32.to_le_bytes());
        }
    }
    // Nobody reads what it prints.
    for args in
        [&["metadata", "list", "--from", &etcd.toml()][..], &["completions", "bash"], &["--help"]]
    {
        let mut child = command(&program(), args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let run = wait_for_exit(child).expect(0);
        assert!(!run.err.contains("panicked") && !run.err.contains("error"), "{}", run.err);
    }
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child = command(&program(), &["completions", "bash"])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(wait_for_exit(child).expect(1).err.contains("failed to write to standard output"));
}
