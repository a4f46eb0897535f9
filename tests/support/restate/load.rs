//! Metadata for a cluster: limiter rules, a deployment, an object with state.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::ports::Port;
use super::super::process::Process;
use super::super::{http, project, wait_for};
use super::{Cluster, START_LIMIT};

impl Cluster {
    /// Sends a request to the admin API and returns its answer.
    pub fn admin(&self, method: &str, path: &str, body: &Json) -> Json {
        let port = self.nodes[0].admin.number;
        let (status, text) = wait_for("the admin API", START_LIMIT, || {
            http::request(method, port, path, &body.to_string())
                .ok()
                .filter(|(status, _)| *status < 500)
        });
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Json::Null)
    }

    /// Sets a limiter rule.
    pub fn set_rule(&self, pattern: &str, concurrency: u32) {
        let rule = json!([{"pattern": pattern, "limits": {"concurrency": concurrency}}]);
        self.admin("PUT", "/limits/rules", &rule);
    }

    /// Deletes a rule that was never set: the rule book that this stores has version 0.
    pub fn delete_rule(&self, pattern: &str) {
        self.admin("POST", "/limits/rules/bulk-delete", &json!([{"pattern": pattern}]));
    }

    /// Returns the patterns of the rules that the workers know, in order.
    pub fn rules(&self) -> Vec<String> {
        let query = json!({"query": "select pattern from sys_rules order by pattern"});
        let answer = self.admin("POST", "/query", &query);
        let rows = answer["rows"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["pattern"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the workers know exactly these rules.
    pub fn wait_for_rules(&self, patterns: &[&str]) {
        wait_for(&format!("the rules {patterns:?}"), Duration::from_secs(30), || {
            (self.rules() == patterns).then_some(())
        });
    }

    /// Starts the counting service and registers it.
    pub fn deploy_counter(&mut self) {
        let port = Port::free();
        let modules = project().join(".cache/npm/node_modules");
        let script = project().join("tests/support/counter.mjs");
        let number = port.number.to_string();
        let args = [script.to_str().unwrap(), modules.to_str().unwrap(), &number];
        let log = self.folder.path().join("counter.log");
        let mut process = Process::start(&PathBuf::from("node"), &args, &[], &log);
        wait_for("the counter service", Duration::from_secs(20), || {
            process.assert_running();
            std::net::TcpStream::connect(("127.0.0.1", port.number)).ok()
        });
        self.service = Some((port, process));
        let uri = format!("http://127.0.0.1:{number}");
        self.admin("POST", "/deployments", &json!({"uri": uri}));
    }

    /// Returns the names of the services of all deployments.
    pub fn services(&self) -> Vec<String> {
        let answer = self.admin("GET", "/deployments", &Json::Null);
        let deployments = answer["deployments"].as_array().cloned().unwrap_or_default();
        deployments
            .iter()
            .flat_map(|deployment| deployment["services"].as_array().cloned().unwrap_or_default())
            .map(|service| service["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Invokes the counter and returns its new count.
    pub fn count(&self, amount: i64) -> i64 {
        let port = self.nodes[0].ingress.number;
        wait_for("the counter to answer", START_LIMIT, || {
            let (status, text) =
                http::request("POST", port, "/Counter/a/add", &amount.to_string()).ok()?;
            if status == 200 { text.trim().parse().ok() } else { None }
        })
    }
}
