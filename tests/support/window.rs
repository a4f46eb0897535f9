//! A cluster, a target and a folder with a nodes file. Before each of its steps, the script asks the test.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::etcd::{Etcd, etcd_section};
use super::full_pipe::full_pipe;
use super::restate::{ALL_ROLES, Cluster, Mode};
use super::tool::{Run, command, program, run};
use super::{project, write_program};

/// The longest time that a window may take.
const LIMIT: Duration = Duration::from_secs(240);

/// What the script is about to do: one of the four functions, or a command of the tool without the program's name.
pub struct Step {
    pub name: String,
    /// The process id of the script.
    pub script: u32,
}

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done.
    Perform,
    /// It fails without being done.
    Fail,
    /// The test has done it; it succeeds.
    Performed,
    /// It is done, and waits for a few seconds only.
    Shorten,
}

pub struct Window {
    pub cluster: Cluster,
    pub etcd: Etcd,
    folder: TempDir,
    listener: TcpListener,
    /// The section that the nodes and the tool get for the target.
    pub section: String,
    /// `true` if nobody reads what the script shows.
    pub is_unread: bool,
}

impl Window {
    /// Starts three nodes with a rule and a counter, and an empty target.
    pub fn start() -> Window {
        let mut cluster = Cluster::start(&[ALL_ROLES; 3], 4);
        cluster.set_rule("scope1/*", 5);
        cluster.deploy_counter();
        cluster.count(5);
        let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let section = etcd.section();
        // Leaders move for seconds after the last node has started.
        cluster.wait_until_running(&[]);
        let window = Window { cluster, etcd, folder, listener, section, is_unread: false };
        window.write_programs();
        window
    }

    /// Writes a file into the folder in which the script runs.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Writes how a step asks this test, and the tool that asks first.
    fn write_programs(&self) {
        let port = self.listener.local_addr().unwrap().port();
        let program = program();
        self.write(
            "ask.sh",
            &format!(
                "ask() {{\n    exec 3<>/dev/tcp/127.0.0.1/{port}\n    printf '%s\\n' \"$1\" >&3\n    \
                 read -r reply <&3\n    [ \"$reply\" != failed ]\n}}\n"
            ),
        );
        let shown = program.display();
        write_program(
            &self.folder.path().join("tool.sh"),
            &format!(
                "#!/usr/bin/env bash\n[ \"${{@: -1}}\" = --help ] && exec {shown} \"$@\"\n\
                 . ./ask.sh\nask \"$*\" || exit 1\n\
                 [ \"$reply\" = shorten ] && set -- \"${{@/#60s/12s}}\"\nexec {shown} \"$@\"\n"
            ),
        );
    }

    /// Writes the nodes file, with further settings at its end.
    fn write_nodes_file(&self, settings: &str) {
        self.write("etcd.toml", &self.section);
        self.cluster.replicated_toml("replicated.toml", &[self.cluster.address()]);
        let before = self.cluster.folder.path().join("replicated.toml");
        let functions = FUNCTIONS.map(|name| format!("{name}() {{ . ./ask.sh; ask {name}; }}\n"));
        self.write(
            "nodes.sh",
            &format!(
                "export RESTATECTL_ADDRESS={}\ntarget=etcd.toml\nbefore={}\nrestatectl=./tool.sh\n\
                 wait_timeout=60s\nstep_limit=90\n{settings}\n{}",
                self.cluster.addresses(),
                before.display(),
                functions.concat()
            ),
        );
    }

    /// Runs the script; `decide` is asked before each step.
    #[allow(clippy::print_stderr)]
    pub fn run(
        &mut self,
        options: &[&str],
        settings: &str,
        mut decide: impl FnMut(&mut Window, &Step) -> Reply,
    ) -> Run {
        self.write_nodes_file(settings);
        let script = project().join("docs/examples/maintenance-window.sh");
        let args = [&[script.to_str().unwrap(), "-y"], options, &["nodes.sh"]].concat();
        let output = self.folder.path().join("output");
        let stream = File::create(&output).unwrap();
        let mut line = command(Path::new("bash"), &args);
        line.current_dir(self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap());
        match self.is_unread {
            true => line.stdout(full_pipe()).stderr(full_pipe()),
            false => line.stdout(stream.try_clone().unwrap()).stderr(stream),
        };
        let child = line.spawn().unwrap();
        let code = self.answer_until_the_end(child, &output, &mut decide);
        let out = self.read_shown(&output, code);
        // Not where the benchmark prints its results.
        eprintln!("{out}");
        Run { code, out, err: String::new() }
    }

    /// Reads what the script has shown. The process that shows the log ends a moment later.
    fn read_shown(&self, output: &Path, code: i32) -> String {
        let read = || fs::read_to_string(output).unwrap();
        let has_log = code != 2 && !self.is_unread;
        let deadline = Instant::now() + Duration::from_secs(20);
        while has_log && Instant::now() < deadline {
            let log = fs::read_to_string(self.last_folder().join("window.log")).unwrap_or_default();
            if log.lines().last() == read().lines().last() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        read()
    }

    fn answer_until_the_end(
        &mut self,
        mut child: Child,
        output: &Path,
        decide: &mut impl FnMut(&mut Window, &Step) -> Reply,
    ) -> i32 {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("no end of the script:\n{}", fs::read_to_string(output).unwrap());
            }
            match self.listener.accept() {
                Ok((stream, _)) => self.answer(stream, child.id(), decide),
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    fn answer(
        &mut self,
        mut stream: TcpStream,
        script: u32,
        decide: &mut impl FnMut(&mut Window, &Step) -> Reply,
    ) {
        stream.set_nonblocking(false).unwrap();
        let mut name = String::new();
        BufReader::new(&stream).read_line(&mut name).unwrap();
        let step = Step { name: name.trim().to_owned(), script };
        let reply = decide(self, &step);
        if reply == Reply::Perform {
            self.perform(&step.name);
        }
        let word = match reply {
            Reply::Fail => "failed",
            Reply::Shorten => "shorten",
            Reply::Perform | Reply::Performed => "done",
        };
        // The script may have been killed meanwhile.
        let _ = writeln!(stream, "{word}");
    }

    /// Does what the function of this name does. The tool does its own steps.
    pub fn perform(&mut self, name: &str) {
        match name {
            "stop_nodes" => self.cluster.end_all("TERM"),
            "start_nodes_in_migration_mode" => self.cluster.launch(&Mode::Migration),
            "start_nodes_on_target" => {
                self.cluster.launch(&Mode::External(self.section.clone()));
            }
            "start_nodes_as_before" => self.cluster.launch(&Mode::Normal),
            _ => {}
        }
    }

    /// Performs a step of a window that must not touch a node.
    pub fn perform_untouched(&mut self, step: &Step) -> Reply {
        assert!(!FUNCTIONS.contains(&step.name.as_str()), "{}", step.name);
        Reply::Perform
    }

    /// Runs a command that the script has printed, in the folder in which it ran, without the test between.
    pub fn run_printed(&self, line: &str) {
        let line = line.replace("./tool.sh", &program().display().to_string());
        let mut shell = command(Path::new("bash"), &["-c", &line]);
        shell.current_dir(self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap());
        run(shell, "").expect(0);
    }

    /// Returns the setting that names the folders of the nodes.
    pub fn folders_setting(&self) -> String {
        format!("folders=({})", self.cluster.base_folders().join(" "))
    }

    /// Sends the target's traffic to another address, such as that of a proxy.
    pub fn go_through(&mut self, address: &str) {
        self.section = etcd_section(&[address.to_owned()]);
    }

    /// Returns the folder of the last window.
    pub fn last_folder(&self) -> PathBuf {
        let windows = fs::read_dir(self.folder.path().join("windows")).unwrap();
        windows.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).max().unwrap()
    }

    /// Asserts that the cluster runs as before the window, and that the target holds nothing of it.
    pub fn assert_put_back(&self) {
        self.cluster.wait_until_running(&[]);
        self.cluster.wait_for_rules(&["scope1/*"]);
        assert!(self.etcd.content().is_empty(), "{:?}", self.etcd.content().keys());
    }

    /// Asserts that the cluster runs on the target.
    pub fn assert_runs_on_target(&self) {
        let toml = self.folder.path().join("etcd.toml").display().to_string();
        self.cluster.wait_until_running(&["--on", &toml]);
        self.cluster.wait_for_rules(&["scope1/*"]);
    }
}

/// The functions of the nodes file.
pub const FUNCTIONS: [&str; 4] = [
    "stop_nodes",
    "start_nodes_in_migration_mode",
    "start_nodes_on_target",
    "start_nodes_as_before",
];
