//! The allocator of this program, which counts while somebody asks: the most that was allocated at once. Libraries in C have
//! an allocator of their own, which nobody counts here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static COUNTED: AtomicBool = AtomicBool::new(false);
static NOW: AtomicI64 = AtomicI64::new(0);
static MOST: AtomicI64 = AtomicI64::new(0);

/// Begins to count, from nothing.
pub fn count() {
    NOW.store(0, Ordering::Relaxed);
    MOST.store(0, Ordering::Relaxed);
    COUNTED.store(true, Ordering::Relaxed);
}

/// Ends counting: the most bytes since it began, beyond those of then.
pub fn counted() -> u64 {
    COUNTED.store(false, Ordering::Relaxed);
    u64::try_from(MOST.load(Ordering::Relaxed)).unwrap_or_default()
}

/// One comparison for everybody who doesn't count.
fn changed(before: usize, after: usize) {
    if COUNTED.load(Ordering::Relaxed) {
        let change = after as i64 - before as i64;
        let now = NOW.fetch_add(change, Ordering::Relaxed) + change;
        MOST.fetch_max(now, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it came; what is counted changes nothing about it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        changed(0, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        changed(0, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        changed(layout.size(), size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        changed(layout.size(), 0);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}
