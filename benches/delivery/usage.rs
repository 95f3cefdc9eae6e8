//! What a process used, read from /proc while it lives.

use std::process::Child;
use std::time::{Duration, Instant};

/// Time and memory of one process.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub wall: Duration,
    /// User and system time, in ticks of 10 ms.
    pub cpu: Duration,
    pub peak_mib: f64,
}

impl Usage {
    /// Watches a process to its end, or until `most` is over, and ends it then.
    pub fn of(mut child: Child, most: Duration) -> Self {
        let since = Instant::now();
        let mut used = Self {
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
            peak_mib: 0.0,
        };
        loop {
            used.look(child.id());
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "it failed: {status}");
                break;
            }
            if since.elapsed() > most {
                child.kill().unwrap();
                child.wait().unwrap();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        used.wall = since.elapsed();
        used
    }

    fn look(&mut self, pid: u32) {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name in parentheses: utime and stime are the 12th and 13th.
        if let Some((_, rest)) = stat.rsplit_once(')') {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let ticks = |n: usize| {
                words
                    .get(n)
                    .and_then(|w| w.parse::<u64>().ok())
                    .unwrap_or(0)
            };
            let cpu = Duration::from_millis(10 * (ticks(11) + ticks(12)));
            self.cpu = self.cpu.max(cpu);
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        self.peak_mib = self.peak_mib.max(kib.unwrap_or(0.0) / 1024.0);
    }

    pub fn rate(&self, messages: usize) -> f64 {
        messages as f64 / self.wall.as_secs_f64()
    }

    pub fn cpu_us(&self, messages: usize) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / messages as f64
    }

    pub fn line(&self, messages: usize) -> String {
        format!(
            "{messages} messages in {:.2} s, {:.0}/s, {:.0} µs of processor time each, peak memory {:.1} MiB",
            self.wall.as_secs_f64(),
            self.rate(messages),
            self.cpu_us(messages),
            self.peak_mib
        )
    }
}
