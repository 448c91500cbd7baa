//! Reads that a thread asks for while it answers whatever is ready are one read of the store: a question costs as much as its
//! way there and back, and keys that travel together share it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::{Away, Store};

/// What the store holds under some keys, in their order.
pub(super) type Found = Result<Vec<Option<String>>, Away>;

/// The most keys of one read: what is asked beyond them goes with the next one.
const MOST: usize = 256;

/// The reads of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Together {
    /// Tells the stores of one process apart.
    store: u64,
}

/// Who waits for the next read of one thread, and for which keys.
#[derive(Debug, Default)]
struct Waiting {
    keys: Vec<String>,
    readers: Vec<Reader>,
}

#[derive(Debug)]
struct Reader {
    keys: usize,
    answer: oneshot::Sender<Found>,
}

thread_local! {
    /// This thread's own, by store.
    static OWN: RefCell<HashMap<u64, Arc<Mutex<Waiting>>>> = RefCell::default();
}

impl Together {
    pub(super) fn new() -> Self {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        Self {
            store: OPENED.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Reads together with whoever else asks on this thread before it comes to rest. What is read is read after it was asked for.
    ///
    /// # Errors
    /// When the store is away: for all of them.
    pub(super) async fn get(&self, store: &Store, keys: &[&str]) -> Found {
        let answers_alone = Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread);
        if !answers_alone {
            // Threads that share their work have no moment in common.
            return store.get(keys).await;
        }
        let (answer, answered) = oneshot::channel();
        if let Some(waiting) = self.join(keys, answer) {
            let turn = Turn(Some(waiting));
            let store = store.clone();
            tokio::spawn(async move { turn.read(&store).await });
        }
        let gone = |_| Err(Away("the read was given up".into()));
        answered.await.unwrap_or_else(gone)
    }

    /// Joins those who wait; they are returned to the first, who sees to it that they are read.
    fn join(&self, keys: &[&str], answer: oneshot::Sender<Found>) -> Option<Arc<Mutex<Waiting>>> {
        OWN.with_borrow_mut(|own| {
            let own = own.entry(self.store).or_default();
            if lock(own).keys.len().saturating_add(keys.len()) > MOST {
                *own = Arc::default();
            }
            let mut waiting = lock(own);
            let is_first = waiting.readers.is_empty();
            waiting
                .keys
                .extend(keys.iter().map(|key| (*key).to_owned()));
            waiting.readers.push(Reader {
                keys: keys.len(),
                answer,
            });
            is_first.then(|| own.clone())
        })
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The duty to read for those who wait. If it is dropped undone, with its runtime, nobody waits for it for ever.
struct Turn(Option<Arc<Mutex<Waiting>>>);

impl Turn {
    /// Whoever joins from now on has a turn of their own.
    fn take(&mut self) -> Waiting {
        let waiting = self.0.take();
        waiting.map_or_else(Waiting::default, |waiting| {
            std::mem::take(&mut *lock(&waiting))
        })
    }

    async fn read(mut self, store: &Store) {
        let Waiting { keys, readers } = self.take();
        let asked: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut found = store.get(&asked).await.map(Vec::into_iter);
        for reader in readers {
            let part = match &mut found {
                Ok(values) => Ok(values.by_ref().take(reader.keys).collect()),
                Err(away) => Err(away.clone()),
            };
            // Who has gone away meanwhile needs no answer.
            reader.answer.send(part).ok();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.take());
    }
}
