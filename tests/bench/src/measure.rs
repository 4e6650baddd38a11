//! Clock, processor time and memory of this process.

use std::fs;
use std::time::Instant;

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// How long something took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Time {
    /// Nanoseconds that passed.
    pub wall: u64,
    /// Nanoseconds on a processor: of this thread or of all threads, as the measurement says. On a machine that is
    /// busy with other things it is the better number.
    pub cpu: u64,
}

impl Time {
    /// Both times added.
    pub const fn plus(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

/// Times work of this thread alone.
pub fn of_thread<T>(work: impl FnOnce() -> Result<T>) -> Result<(Time, T)> {
    let (cpu, begin) = (thread_cpu(), Instant::now());
    let done = work()?;
    let wall = nanoseconds(begin);
    // Kernels without scheduler statistics give none: then the time that passed must do.
    let cpu = match thread_cpu().saturating_sub(cpu) {
        0 => wall,
        cpu => cpu,
    };
    Ok((Time { wall, cpu }, done))
}

/// Times work of all threads of this process.
pub struct Stopwatch {
    cpu: u64,
    begin: Instant,
}

impl Stopwatch {
    /// Begins now.
    pub fn start() -> Self {
        Self { cpu: process_cpu(), begin: Instant::now() }
    }

    /// Time since it began.
    pub fn time(&self) -> Time {
        Time { wall: nanoseconds(self.begin), cpu: process_cpu().saturating_sub(self.cpu) }
    }
}

fn nanoseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds that this thread has been on a processor.
fn thread_cpu() -> u64 {
    first_number(&fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default())
}

/// Nanoseconds that the threads of this process have been on a processor, those that ended included; Linux counts them
/// in hundredths of a second.
fn process_cpu() -> u64 {
    const TICK: u64 = 10_000_000;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may hold blanks.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_ascii_whitespace().collect()).unwrap_or_default();
    let [user, system] = [11, 12].map(|index| fields.get(index).and_then(|ticks| ticks.parse::<u64>().ok()));
    (user.unwrap_or_default() + system.unwrap_or_default()) * TICK
}

fn first_number(text: &str) -> u64 {
    text.split_ascii_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// Memory that this process has in use, in KiB.
pub fn resident() -> u64 {
    status("VmRSS:")
}

/// The most memory that this process has had in use, in KiB, since [`forget_peak`] or its start.
pub fn peak() -> u64 {
    status("VmHWM:")
}

/// Lets [`peak`] begin anew, where the system allows it.
pub fn forget_peak() {
    // Where it does not, the peak so far stands: then growth is reported too small, never too large.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn status(key: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(key)).map(first_number).unwrap_or_default()
}

/// The middle one; of an even number, the lower of the two in the middle.
pub fn median(mut times: Vec<Time>) -> Time {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// The one with the least time on a processor.
pub fn best(times: &[Time]) -> Time {
    times.iter().min_by_key(|time| time.cpu).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_four_is_the_second() {
        let times = [4, 1, 3, 2].map(|wall| Time { wall, cpu: 0 });
        assert_eq!(median(times.to_vec()).wall, 2);
    }

    #[test]
    fn peak_memory_is_at_least_what_is_in_use() {
        assert!(peak() >= resident() / 2 && resident() > 0);
    }

    #[test]
    fn work_takes_time_on_a_processor() {
        let (time, sum) = of_thread(|| Ok((0..2_000_000_u64).map(std::hint::black_box).sum::<u64>())).unwrap();
        assert!(time.cpu > 0 && time.wall > 0 && sum > 0);
    }
}
