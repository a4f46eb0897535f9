//! An HTTP proxy in front of an S3 server that does harm where it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a request.
pub enum Fault {
    /// It is answered so, and not passed on.
    Answer(u16, &'static str),
    /// It is passed on, and the connection is cut before the answer.
    LoseAnswer,
    /// It is passed on, and never answered.
    Hang,
    /// Half of the answer's body arrives.
    CutBody,
    /// Something is done first, and then it is passed on.
    Before(Box<dyn Fn() + Send>),
}

struct Rule {
    method: &'static str,
    ending: String,
    times: usize,
    fault: Arc<Mutex<Fault>>,
}

/// Passes on to one server whatever no rule holds for.
pub struct HttpProxy {
    port: u16,
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl HttpProxy {
    /// In front of `http://host:port`.
    pub fn start(endpoint: &str) -> HttpProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let rules: Arc<Mutex<Vec<Rule>>> = Arc::default();
        let (to, of_thread) = (endpoint.trim_start_matches("http://").to_owned(), rules.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (to, rules) = (to.clone(), of_thread.clone());
                std::thread::spawn(move || serve(client, &to, &rules));
            }
        });
        HttpProxy { port, rules }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Does so to the next `times` requests of that method to a path that ends so.
    pub fn inject(&self, method: &'static str, ending: &str, times: usize, fault: Fault) {
        let (ending, fault) = (ending.to_owned(), Arc::new(Mutex::new(fault)));
        self.rules.lock().unwrap().push(Rule { method, ending, times, fault });
    }

    /// Forgets all rules.
    pub fn heal(&self) {
        self.rules.lock().unwrap().clear();
    }

    /// How many injected faults have not happened yet.
    pub fn left(&self) -> usize {
        self.rules.lock().unwrap().iter().map(|rule| rule.times).sum()
    }
}

/// One request per connection, so that nothing is kept alive across a fault.
fn serve(mut client: TcpStream, to: &str, rules: &Mutex<Vec<Rule>>) -> Option<()> {
    let request = read_request(&mut client)?;
    let fault = next_fault(&request, rules);
    let answer = match fault.as_ref().map(|fault| fault.lock().unwrap()).as_deref() {
        None => forward(&request, to)?,
        Some(Fault::Before(act)) => {
            act();
            forward(&request, to)?
        }
        Some(Fault::Answer(status, code)) => canned(*status, code),
        Some(Fault::LoseAnswer) => {
            forward(&request, to)?;
            let _ = client.shutdown(Shutdown::Both);
            return None;
        }
        Some(Fault::Hang) => {
            forward(&request, to)?;
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
        Some(Fault::CutBody) => {
            let answer = forward(&request, to)?;
            let body = head_length(&answer)?;
            answer[..body + (answer.len() - body) / 2].to_vec()
        }
    };
    client.write_all(&answer).ok()?;
    client.shutdown(Shutdown::Write).ok()
}

fn next_fault(request: &[u8], rules: &Mutex<Vec<Rule>>) -> Option<Arc<Mutex<Fault>>> {
    let line = String::from_utf8_lossy(request.split(|byte| *byte == b'\r').next()?).into_owned();
    let mut words = line.split(' ');
    let (method, path) = (words.next()?, words.next()?.split('?').next()?);
    let mut rules = rules.lock().unwrap();
    let rule = rules
        .iter_mut()
        .find(|rule| rule.times > 0 && rule.method == method && path.ends_with(&rule.ending))?;
    rule.times -= 1;
    Some(rule.fault.clone())
}

fn canned(status: u16, code: &str) -> Vec<u8> {
    let error = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>injected</Message></Error>"
    );
    let body = if status < 300 { "" } else { &error };
    format!(
        "HTTP/1.1 {status} Injected\r\ncontent-type: application/xml\r\nconnection: close\r\n\
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

/// The whole answer; the server is asked to close the connection behind it.
fn forward(request: &[u8], to: &str) -> Option<Vec<u8>> {
    let line_end = request.windows(2).position(|window| window == b"\r\n")? + 2;
    let mut server = TcpStream::connect(to).ok()?;
    let (line, rest) = request.split_at(line_end);
    server.write_all(&[line, b"connection: close\r\n", rest].concat()).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    Some(answer)
}
