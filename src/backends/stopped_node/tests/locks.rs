//! Folders that a server may hold open.

use super::super::lock::{LockState, query_lock};
use super::super::reading;
use super::*;

#[test]
fn lock_is_asked_again_after_reading() {
    use LockState::{Free, Held, Unknown};
    let folders = StoppedFolders::find(sample().as_os_str()).unwrap().unwrap().0;
    let read = |states: [LockState; 2]| {
        let states = std::cell::RefCell::new(states.into_iter());
        reading::read_unlocked(&folders, |_| states.borrow_mut().next().unwrap())
    };
    assert!(read([Free, Free]).unwrap().members.warnings.is_empty());
    for states in
        [[Held(Some(7)), Free], [Free, Held(Some(7))], [Unknown("x".to_owned()), Held(None)]]
    {
        assert!(matches!(read(states), Err(StoreError::InUse { .. })));
    }
    let no_locks = || Unknown("no locks here".to_owned());
    for states in [[no_locks(), Free], [Free, no_locks()], [no_locks(), no_locks()]] {
        let warnings = read(states).unwrap().members.warnings;
        let words = "whether a server runs on it is not known (no locks here)";
        assert!(warnings.len() == 1 && warnings[0].contains(words), "{warnings:?}");
    }
}

#[test]
fn folder_that_a_process_holds_is_refused() {
    // A lock of this process would not conflict with its own question.
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("LOCK");
    let LockState::Unknown(reason) = query_lock(folder.path()) else { panic!("no LOCK is needed") };
    assert!(reason.contains("has no file LOCK"), "{reason}");
    std::fs::write(&path, "").unwrap();
    assert_eq!(query_lock(folder.path()), LockState::Free);
    let script = "import fcntl,sys,time; f=open(sys.argv[1],'r+'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); time.sleep(60)";
    let mut holder = std::process::Command::new("python3")
        .args(["-c", script, path.to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = std::io::BufReader::new(holder.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut { output }, &mut line).unwrap();
    let pid = i32::try_from(holder.id()).unwrap();
    assert_eq!(query_lock(folder.path()), LockState::Held(Some(pid)));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(query_lock(folder.path()), LockState::Free);
}
