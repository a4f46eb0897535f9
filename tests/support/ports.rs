//! Free ports, reserved against other runs.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::os::fd::AsFd;
use std::path::PathBuf;

use socket2::SockRef;

/// A port that a lock file reserves until this is dropped.
#[derive(Debug)]
pub struct Port {
    pub number: u16,
    lock: PathBuf,
}

/// The first port, below the range that systems use for outgoing connections.
const FIRST: u16 = 15_000;
const COUNT: u16 = 15_000;

impl Port {
    pub fn free() -> Port {
        let folder = std::env::temp_dir().join("restatectl-test-ports");
        fs::create_dir_all(&folder).unwrap();
        // Somewhere else in each process and each call; what is taken is passed over.
        let seed = std::process::id().wrapping_mul(7919) + thread_seed();
        for step in 0..u32::from(COUNT) {
            let offset = u16::try_from(seed.wrapping_add(step) % u32::from(COUNT)).unwrap();
            let number = FIRST + offset;
            let lock = folder.join(number.to_string());
            remove_if_stale(&lock);
            let Ok(mut file) = File::create_new(&lock) else { continue };
            write!(file, "{}", std::process::id()).unwrap();
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", number)) {
                stop_listening(&listener);
                return Port { number, lock };
            }
            let _ = fs::remove_file(&lock);
        }
        panic!("no free port between {FIRST} and {}", FIRST + COUNT);
    }
}

impl Port {
    /// Returns this port, for recordings in which the number is visible.
    pub fn fixed(number: u16) -> Port {
        let folder = std::env::temp_dir().join("restatectl-test-ports");
        fs::create_dir_all(&folder).unwrap();
        let lock = folder.join(number.to_string());
        remove_if_stale(&lock);
        let file = File::create_new(&lock);
        let free = file.and_then(|mut file| {
            write!(file, "{}", std::process::id())?;
            TcpListener::bind(("127.0.0.1", number))
        });
        assert!(free.is_ok(), "port {number} is taken: {free:?}");
        stop_listening(&free.unwrap());
        Port { number, lock }
    }
}

impl Port {
    /// Returns a port that another owner keeps reserved, and nothing listens on any more.
    pub fn borrowed(number: u16) -> Port {
        Port { number, lock: PathBuf::new() }
    }
}

/// Makes a socket refuse connections at once. Where it is only dropped, it goes on listening while a program that another
/// test starts at this moment has a copy of it: until that program has replaced the memory of its parent by its own.
pub fn stop_listening(listener: &impl AsFd) {
    SockRef::from(listener).shutdown(Shutdown::Both).unwrap();
}

fn thread_seed() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8) as u32 % 10_000
}

/// Removes a lock that a killed run left behind.
fn remove_if_stale(lock: &PathBuf) {
    if let Ok(owner) = fs::read_to_string(lock)
        && !owner.is_empty()
        && !PathBuf::from("/proc").join(&owner).exists()
    {
        let _ = fs::remove_file(lock);
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock);
    }
}
