//! A visible terminal: a shell in tmux, on a separate socket.

use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;

use super::wait_for;

pub struct Screen {
    folder: TempDir,
}

impl Screen {
    /// Starts a shell with this locale on a screen of this many columns.
    pub fn start(columns: u32, locale: &str) -> Screen {
        let screen = Screen { folder: TempDir::new().unwrap() };
        let columns = columns.to_string();
        let shell = format!("env -i PATH=/usr/bin:/bin TERM=screen LC_ALL={locale} PS1='$ ' sh");
        screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", "24", &shell]);
        screen.wait_for("a prompt", |text| text.contains('$'));
        screen
    }

    fn tmux(&self, args: &[&str]) -> Output {
        let socket = self.folder.path().join("tmux");
        let mut command = Command::new("tmux");
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        command.arg("-u").arg("-S").arg(socket).args(args).output().unwrap()
    }

    /// Types a line.
    pub fn type_line(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.press_key("Enter");
    }

    /// Presses a key, such as `C-c`.
    pub fn press_key(&self, name: &str) {
        self.tmux(&["send-keys", name]);
    }

    /// Returns the visible text.
    pub fn visible_text(&self) -> String {
        let text = self.tmux(&["capture-pane", "-p"]).stdout;
        String::from_utf8(text).unwrap().trim_end().to_owned()
    }

    /// Waits until `shows` accepts the screen and returns its text.
    pub fn wait_for(&self, what: &str, shows: impl Fn(&str) -> bool) -> String {
        wait_for(what, Duration::from_secs(60), || {
            Some(self.visible_text()).filter(|text| shows(text))
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
