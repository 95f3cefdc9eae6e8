//! A disk of a few MiB of its own, which really runs full: a tmpfs that only the programs started
//! on it see. It needs no rights beyond user namespaces.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::process::{SOON, until};

/// A mounted disk; it is gone when dropped.
pub struct Disk {
    holder: Child,
    directory: PathBuf,
}

impl Disk {
    /// Mounts a disk of so many MiB on `directory`, with what is there already. `mode` is `rw`
    /// or `ro`.
    pub async fn on(directory: &Path, mib: u32, mode: &str) -> Self {
        let ready = directory.with_extension("ready");
        let script = "mkdir \"$1.was\" && cp -a \"$1/.\" \"$1.was\" \
            && mount -t tmpfs -o \"size=$2m\" tmpfs \"$1\" && cp -a \"$1.was/.\" \"$1\" \
            && mount -o \"remount,$3\" \"$1\" && : > \"$4\" && exec sleep infinity";
        let holder = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", script, "disk"])
            .args([directory, Path::new(&mib.to_string()), Path::new(mode)])
            .arg(&ready)
            .stdin(Stdio::null())
            .spawn()
            .expect("unshare is there (package util-linux)");
        let mut disk = Self {
            holder,
            directory: directory.to_owned(),
        };
        until("a disk is mounted", SOON, async || {
            let ended = disk.holder.try_wait().expect("it is our child");
            assert!(ended.is_none(), "mounting failed; its words are above");
            ready.exists().then_some(())
        })
        .await;
        disk
    }

    /// What starts a program that sees it; the program and its arguments follow.
    pub fn entrance(&self, at: &Path) -> Vec<String> {
        let target = self.holder.id().to_string();
        let words = [
            "nsenter",
            "--target",
            &target,
            "--user",
            "--mount",
            "--preserve-credentials",
            "sh",
            "-c",
            &format!("cd '{}' && exec \"$0\" \"$@\"", at.display()),
        ];
        words.map(str::to_owned).to_vec()
    }

    /// The directory as those see it who are on it.
    fn inside(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        let path = self.directory.strip_prefix("/");
        root.join(path.expect("a temporary directory has a whole path"))
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.inside().join("filler")).expect("a file");
        let error = std::io::copy(&mut std::io::repeat(b'x'), &mut file).expect_err("it is small");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
    }

    /// Makes room again.
    pub fn clear(&self) {
        std::fs::remove_file(self.inside().join("filler")).expect("the filler is there");
    }

    /// Copies what is on it to where the others see it, in place of what was there before: an
    /// old write-ahead log beside a new database would be taken for its own.
    pub fn bring_out(&self) {
        for old in files(&self.directory) {
            std::fs::remove_file(old).expect("it is ours");
        }
        for file in files(&self.inside()) {
            let name = file.file_name().expect("a file has a name");
            std::fs::copy(&file, self.directory.join(name)).expect("there is room outside");
        }
    }
}

/// The files of a directory. (The directory itself stays: where it goes, the mount goes.)
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("it is there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    paths.filter(|path| path.is_file()).collect()
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
