//! The README and the runbooks, executed from their first command to their last over real servers.
//! `RESTATECTL_UPDATE_PAGES=1` writes the printed output into them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::stopped_node::{lose_metadata, wait_for_members};
use crate::support::etcd::Etcd;
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::page::{Command, Page, Step, equals_shown};
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::s3::s3s_fs;
use crate::support::shell::Shell;

/// How long a status may differ from the page's.
const TIME_TO_SETTLE: Duration = Duration::from_secs(30);

/// A reader who follows a page, with a cluster, a shell and a folder.
struct Reader {
    cluster: Cluster,
    /// The cluster that a page goes on with; meanwhile it starts.
    other: Option<Cluster>,
    shell: Shell,
    folder: TempDir,
    /// The addresses in the page, each with the real one.
    addresses: Vec<(String, String)>,
    files: BTreeMap<String, String>,
    code: i32,
    outputs: Vec<(Command, Vec<String>)>,
    /// The commands whose output differs from the page.
    mismatches: Vec<String>,
}

impl Reader {
    fn new(mut cluster: Cluster, addresses: Vec<(String, String)>, first: &str) -> Reader {
        fill(&mut cluster);
        let folder = TempDir::new().unwrap();
        let address = format!("http://{first}/");
        let shell = Shell::start(folder.path(), &[("RESTATECTL_ADDRESS", &address)]);
        let (files, outputs, mismatches) = Default::default();
        let other = None;
        Reader { cluster, other, shell, folder, addresses, files, code: 0, outputs, mismatches }
    }

    /// Executes the page, which has at least this many commands, and fails if any output differs.
    fn follow(mut self, page: &str, least: usize) {
        let read = Page::read(page);
        for step in read.steps() {
            match step {
                Step::File { name, text } => self.write(name, &text),
                Step::Done(words) => self.perform_step(&words),
                Step::Command(command) => self.run(command),
            }
        }
        assert!(self.outputs.len() >= least, "{page}: {} commands", self.outputs.len());
        assert!(self.code == 0, "the last command ended with {}", self.code);
        if std::env::var_os("RESTATECTL_UPDATE_PAGES").is_some() {
            read.update(&self.outputs);
        } else {
            let mismatches = self.mismatches.join("\n");
            assert!(
                self.mismatches.is_empty(),
                "{page} does not show what is printed:\n{mismatches}"
            );
        }
    }

    fn write(&mut self, name: String, text: &str) {
        let text = self.with_real_addresses(text);
        std::fs::write(self.folder.path().join(&name), &text).unwrap();
        self.files.insert(name, text);
    }

    fn run(&mut self, mut command: Command) {
        let line = self.with_real_addresses(&command.line);
        // A page says of each command that does not end well with which code it ends.
        let asked = line == "echo $?";
        assert!(self.code == 0 || asked, "before {line}: exit code {}", self.code);
        let until = Instant::now() + TIME_TO_SETTLE;
        let (output, right) = loop {
            let (output, code) = self.shell.run(&line);
            self.code = code;
            let output: Vec<_> =
                output.iter().map(|line| self.with_shown_addresses(line)).collect();
            let right = equals_shown(&command.shown, &output);
            // For seconds after the last node has started, leaders move to it.
            if right || !line.starts_with("restatectl status") || Instant::now() > until {
                break (output, right);
            }
        };
        if !right {
            let (shown, printed) = (command.shown.join("\n"), output.join("\n"));
            let text = format!("$ {line}\n--- shown\n{shown}\n--- printed\n{printed}\n");
            self.mismatches.push(text);
        }
        let elided = command.shown.iter().any(|line| line == "…");
        let output = if right && elided { command.shown.clone() } else { output };
        // The backup file of this run, as the output names it.
        command.line = self.with_shown_addresses(&line);
        self.outputs.push((command, output));
    }

    /// Returns text of the page with the real addresses and the name of the last backup file.
    fn with_real_addresses(&self, text: &str) -> String {
        let pairs = self.addresses.iter();
        let text = pairs.fold(text.to_owned(), |text, (shown, real)| text.replace(shown, real));
        let backups =
            self.folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        let mut backups: Vec<_> = backups.filter_map(|name| name.into_string().ok()).collect();
        backups.retain(|name| name.starts_with("restatectl-backup-"));
        backups.sort_unstable();
        let name = regex::Regex::new(r"restatectl-backup-demo-\w+\.jsonl").unwrap();
        match backups.last() {
            Some(last) => name.replace_all(&text, last.as_str()).into_owned(),
            None => text,
        }
    }

    /// Returns printed text with the page's addresses.
    fn with_shown_addresses(&self, text: &str) -> String {
        let pairs = self.addresses.iter();
        pairs.fold(text.to_owned(), |text, (shown, real)| text.replace(real, shown))
    }

    /// Ends the cluster, and goes on with the other one at the addresses and folders that the page shows.
    fn take_other_cluster(&mut self) {
        self.cluster.end_all("KILL");
        self.cluster = self.other.take().unwrap();
        wait_for_start(&self.cluster);
        fill(&mut self.cluster);
        let places = list_places(&self.cluster);
        self.addresses.retain(|(shown, _)| places.iter().all(|(place, _)| place != shown));
        self.addresses.extend(places);
    }

    fn perform_step(&mut self, words: &str) {
        println!("{words}");
        match words {
            "all nodes restart in migration mode" => self.cluster.restart(&Mode::Migration),
            "all nodes stop" => self.cluster.stop(),
            // While nodes stop in turn, the others elect leaders, and the logs of the first ones lag behind.
            "all nodes stop at once" => self.cluster.end_all("KILL"),
            "all nodes start as before" => self.cluster.restart(&Mode::Normal),
            "a rule is set" => self.cluster.set_rule("scope2/*", 7),
            "all nodes end, and node-2 and node-3 lose their metadata" => {
                self.cluster.end_all("KILL");
                lose_metadata(&self.cluster, 1);
                lose_metadata(&self.cluster, 2);
            }
            "another cluster runs, with all of its nodes" => self.take_other_cluster(),
            "the rules, the deployment and the state are there" => {
                self.cluster.wait_for_rules(&["scope1/*"]);
                assert_eq!(self.cluster.services(), ["Counter"]);
                assert_eq!(self.cluster.count(1), 6);
            }
            other => {
                let file = other.strip_prefix("all nodes start on ");
                let section = file.and_then(|file| self.files.get(file)).cloned();
                let section =
                    section.unwrap_or_else(|| panic!("nobody knows how this is done: {other}"));
                self.cluster.restart(&Mode::External(section));
            }
        }
    }
}

/// Gives a cluster a rule, a deployment and the state of an object.
fn fill(cluster: &mut Cluster) {
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    assert_eq!(cluster.count(5), 5);
}

#[test]
fn readme_commands_print_what_it_shows() {
    let (cluster, etcd) = (Cluster::single(4), Etcd::start());
    let port = cluster.address().rsplit(':').next().unwrap().to_owned();
    let first = format!("localhost:{port}");
    let addresses = vec![
        ("127.0.0.1:2379".to_owned(), etcd.address()),
        ("localhost:5122".to_owned(), first.clone()),
        ("127.0.0.1:5122".to_owned(), format!("127.0.0.1:{port}")),
    ];
    Reader::new(cluster, addresses, &first).follow("README.md", 6);
}

#[test]
fn runbook_commands_print_what_it_shows() {
    let cluster = Cluster::start(&[ALL_ROLES, ALL_ROLES, ALL_ROLES], 4);
    let etcd = EtcdCluster::start(3);
    let nodes = cluster.nodes.iter().map(|node| node.address().replace("http://", ""));
    let nodes = nodes.zip(1..).map(|(real, n)| (format!("node-{n}.example.com:5122"), real));
    let members = etcd.addresses().into_iter().zip(1..);
    let members = members.map(|(real, n)| (format!("etcd-{n}.example.com:2379"), real));
    let addresses: Vec<_> = nodes.chain(members).collect();
    let first = addresses[0].1.clone();
    Reader::new(cluster, addresses, &first).follow("docs/runbook.md", 16);
}

#[test]
fn s3_runbook_commands_print_what_it_shows() {
    let (cluster, bucket) = (Cluster::single(4), s3s_fs().bucket());
    let first = cluster.address().replace("http://", "");
    let texts = [
        ("http://s3.example.com:8014", &bucket.s3.endpoint),
        ("s3://my-bucket/", &format!("s3://{}/", bucket.name)),
        ("\"AKIAIOSFODNN7EXAMPLE\"", &format!("\"{}\"", bucket.s3.key_id)),
        ("\"wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY\"", &format!("\"{}\"", bucket.s3.secret)),
        ("node-1.example.com:5122", &first),
    ];
    let texts = texts.map(|(shown, real)| (shown.to_owned(), real.clone())).to_vec();
    Reader::new(cluster, texts, &first).follow("docs/runbook-s3.md", 10);
}

/// Waits until three nodes run, each of which is a member of the replicated store.
fn wait_for_start(cluster: &Cluster) {
    cluster.wait_until_led();
    wait_for_members(cluster, 3);
}

/// Returns the addresses and the folders of the nodes, as a page shows them and as they are.
fn list_places(cluster: &Cluster) -> Vec<(String, String)> {
    let nodes = cluster.nodes.iter().enumerate();
    let places = nodes.flat_map(|(index, node)| {
        let (name, base) = (&node.name, cluster.base_folder(index));
        let address = node.address().replace("http://", "");
        [
            (format!("{name}.example.com:5122"), address),
            (format!("/var/lib/restate/{name}"), format!("{base}/{name}")),
        ]
    });
    places.collect()
}

#[test]
fn stopped_nodes_commands_print_what_it_shows() {
    let [cluster, other] = [(); 2].map(|()| Cluster::launch_new(&[ALL_ROLES; 3], 4));
    wait_for_start(&cluster);
    let etcds = [Etcd::start(), Etcd::start()];
    let mut addresses = list_places(&cluster);
    let first = addresses[0].1.clone();
    let targets = ["etcd-1.example.com:2379", "etcd-2.example.com:2379"].into_iter().zip(&etcds);
    addresses.extend(targets.map(|(shown, etcd)| (shown.to_owned(), etcd.address())));
    let mut reader = Reader::new(cluster, addresses, &first);
    reader.other = Some(other);
    reader.follow("docs/stopped-nodes.md", 20);
}

#[test]
fn digest_of_decimal_digits_is_as_good_as_any_other() {
    let rows = |digest: &str| [format!(" rule_book  rule-book  1  28  bilrost  {digest}")];
    assert!(equals_shown(&rows("630506c9dfdb3b0a"), &rows("7838359487628798")));
}
