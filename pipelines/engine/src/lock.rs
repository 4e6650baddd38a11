use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what is whole after every change, so that a thread that panicked with the lock has spoilt nothing.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
