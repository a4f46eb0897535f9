//! An HTTP proxy in front of a server of S3 or DynamoDB that injects faults into chosen requests.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

/// Returns what is forwarded instead of the request.
pub type AlterRequest = Box<dyn Fn(&[u8]) -> Vec<u8> + Send>;

/// Returns what is sent instead of the response, given the request's head.
pub type RewriteAnswer = Box<dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send>;

/// Answers on the connection, given the request's head.
pub type Respond = Box<dyn Fn(&str, &mut TcpStream) + Send>;

/// A fault of one request.
#[allow(clippy::type_complexity, reason = "each function is described beside it")]
pub enum HttpFault {
    /// Answered with this status and error code, and not forwarded.
    Answer(u16, &'static str),
    /// Answered with this status and document, and not forwarded.
    Json(u16, String),
    /// Forwarded; the connection is closed before the response.
    LoseAnswer,
    /// Forwarded twice, as a gateway does that has lost the first answer.
    Repeat,
    /// Forwarded, and never answered.
    Hang,
    /// Forwarded; half of the response's body arrives.
    CutBody,
    /// Forwarded after this action.
    Before(Box<dyn Fn() + Send>),
    /// Answered with what this returns for the request: a status and a document; forwarded without.
    Judge(Box<dyn Fn(&[u8]) -> Option<(u16, String)> + Send>),
    /// Forwarded after this has changed it.
    Alter(AlterRequest),
    /// Forwarded; this changes the response.
    Rewrite(RewriteAnswer),
    /// Not forwarded: this answers, and the connection is closed after it.
    Respond(Respond),
}

struct Rule {
    method: &'static str,
    ending: String,
    times: usize,
    fault: Arc<Mutex<HttpFault>>,
}

/// A proxy that forwards every request that no rule matches.
pub struct HttpProxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    max_in_flight: AtomicUsize,
}

impl HttpProxy {
    /// Starts a proxy in front of `http://host:port`.
    pub fn start(endpoint: &str) -> HttpProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Arc<Shared> = Arc::default();
        let (to, of_thread) = (endpoint.trim_start_matches("http://").to_owned(), shared.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (to, shared) = (to.clone(), of_thread.clone());
                std::thread::spawn(move || serve(client, &to, &shared));
            }
        });
        HttpProxy { port, shared }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns all requests since the last call, as text.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.requests.lock().unwrap())
    }

    /// Returns the greatest number of requests in flight at once since the last call.
    pub fn max_in_flight(&self) -> usize {
        self.shared.max_in_flight.swap(0, Ordering::Relaxed)
    }

    /// Injects the fault into the next `times` requests of this method whose path has this ending. With
    /// DynamoDB, which has one path for all, the ending is the operation.
    pub fn inject(&self, method: &'static str, ending: &str, times: usize, fault: HttpFault) {
        let (ending, fault) = (ending.to_owned(), Arc::new(Mutex::new(fault)));
        self.shared.rules.lock().unwrap().push(Rule { method, ending, times, fault });
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// Returns the number of injected faults that have not happened yet.
    pub fn pending_faults(&self) -> usize {
        self.shared.rules.lock().unwrap().iter().map(|rule| rule.times).sum()
    }
}

/// Serves one request per connection, so that no connection is reused after a fault.
fn serve(mut client: TcpStream, to: &str, shared: &Shared) -> Option<()> {
    let request = read_request(&mut client)?;
    let under_way = shared.under_way.fetch_add(1, Ordering::Relaxed) + 1;
    shared.max_in_flight.fetch_max(under_way, Ordering::Relaxed);
    let answer = answer(&request, &mut client, to, shared);
    shared.under_way.fetch_sub(1, Ordering::Relaxed);
    client.write_all(&answer?).ok()?;
    client.shutdown(Shutdown::Write).ok()
}

fn answer(request: &[u8], client: &mut TcpStream, to: &str, shared: &Shared) -> Option<Vec<u8>> {
    let head = String::from_utf8_lossy(&request[..head_length(request)?]).into_owned();
    shared.requests.lock().unwrap().push(String::from_utf8_lossy(request).into_owned());
    let fault = next_fault(&head, &shared.rules);
    Some(match fault.as_ref().map(|fault| fault.lock().unwrap()).as_deref() {
        None => pass_on(request, &head, to)?,
        Some(HttpFault::Before(act)) => {
            act();
            pass_on(request, &head, to)?
        }
        Some(HttpFault::Answer(status, code)) => match operation(&head) {
            Some(_) => canned(*status, &json!({"__type": code, "message": "injected"}).to_string()),
            None => canned(*status, &s3_error(*status, code)),
        },
        Some(HttpFault::Json(status, body)) => canned(*status, body),
        Some(HttpFault::Judge(judge)) => match judge(request) {
            Some((status, body)) => canned(status, &body),
            None => pass_on(request, &head, to)?,
        },
        Some(HttpFault::Alter(change)) => pass_on(&change(request), &head, to)?,
        Some(HttpFault::Rewrite(change)) => change(&head, pass_on(request, &head, to)?),
        Some(HttpFault::Respond(respond)) => {
            respond(&head, client);
            let _ = client.shutdown(Shutdown::Both);
            return None;
        }
        Some(HttpFault::LoseAnswer) => {
            pass_on(request, &head, to)?;
            let _ = client.shutdown(Shutdown::Both);
            return None;
        }
        Some(HttpFault::Repeat) => {
            pass_on(request, &head, to)?;
            pass_on(request, &head, to)?
        }
        Some(HttpFault::Hang) => {
            pass_on(request, &head, to)?;
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
        Some(HttpFault::CutBody) => {
            let answer = pass_on(request, &head, to)?;
            let body = head_length(&answer)?;
            answer[..body + (answer.len() - body) / 2].to_vec()
        }
    })
}

fn next_fault(head: &str, rules: &Mutex<Vec<Rule>>) -> Option<Arc<Mutex<HttpFault>>> {
    let mut words = head.lines().next()?.split(' ');
    let (method, path) = (words.next()?, words.next()?.split('?').next()?);
    let subject = operation(head).unwrap_or(path);
    let mut rules = rules.lock().unwrap();
    let rule = rules
        .iter_mut()
        .find(|rule| rule.times > 0 && rule.method == method && subject.ends_with(&rule.ending))?;
    rule.times -= 1;
    Some(rule.fault.clone())
}

/// Returns the operation of a DynamoDB request.
fn operation(head: &str) -> Option<&str> {
    head.lines().find_map(|line| line.strip_prefix("x-amz-target: DynamoDB_20120810."))
}

fn s3_error(status: u16, code: &str) -> String {
    if status < 300 {
        return String::new();
    }
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>injected</Message></Error>")
}

fn canned(status: u16, body: &str) -> Vec<u8> {
    let kind = if body.starts_with('{') { "application/x-amz-json-1.0" } else { "application/xml" };
    format!(
        "HTTP/1.1 {status} Injected\r\ncontent-type: {kind}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let count = client.read(&mut piece).ok()?;
        if count == 0 {
            return None;
        }
        request.extend(&piece[..count]);
        let Some(head) = head_length(&request) else { continue };
        let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())
            .unwrap_or(0);
        if request.len() >= head + length {
            return Some(request);
        }
    }
}

fn head_length(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// Forwards the request, and transactions one after the other: moto runs them concurrently, and the
/// rollback of a failed one also reverts writes of others in the meantime. Amazon isolates them.
fn pass_on(request: &[u8], head: &str, to: &str) -> Option<Vec<u8>> {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = operation(head).filter(|name| *name == "TransactWriteItems").map(|_| ALONE.lock());
    forward(request, to)
}

/// Forwards the request and returns the whole response. The server is asked to close the connection
/// after it.
fn forward(request: &[u8], to: &str) -> Option<Vec<u8>> {
    let line_end = request.windows(2).position(|window| window == b"\r\n")? + 2;
    let mut server = TcpStream::connect(to).ok()?;
    let (line, rest) = request.split_at(line_end);
    server.write_all(&[line, b"connection: close\r\n", rest].concat()).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    Some(answer)
}
