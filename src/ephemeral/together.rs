//! Reads that a thread asks for while it answers whatever is ready are one read of the store: a question costs as much as its
//! way there and back, and keys that travel together share it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id, RuntimeFlavor};
use tokio::sync::oneshot;

use super::{Away, Store};

/// What the store holds under some keys, in their order.
pub(super) type Found = Result<Vec<Option<String>>, Away>;

/// The most keys of one read, each counted once: what is asked beyond them goes with the next one.
const MOST: usize = 256;

/// The reads of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Together {
    /// Tells the stores of one process apart.
    store: u64,
}

/// As it lies between those who ask and the one who reads.
type Shared = Arc<Mutex<Waiting>>;

/// Who waits for the next read of one thread, and for which keys.
#[derive(Debug, Default)]
struct Waiting {
    /// The place of each key in the answer: what several ask for is read once.
    places: HashMap<String, usize>,
    readers: Vec<Reader>,
}

#[derive(Debug)]
struct Reader {
    /// Where its values will stand, in the order of its keys.
    places: Vec<usize>,
    answer: oneshot::Sender<Found>,
}

thread_local! {
    /// This thread's own, by store and runtime: a runtime that rests must not keep another's readers waiting.
    static OWN: RefCell<HashMap<(u64, Id), Shared>> = RefCell::default();
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
        if keys.is_empty() {
            // Redis has no answer to this.
            return Ok(Vec::new());
        }
        let Some(runtime) = runtime_of_this_thread() else {
            // Threads that share their work have no moment in common.
            return store.get(keys).await;
        };
        let (answer, answered) = oneshot::channel();
        if let Some(waiting) = self.join(runtime, keys, answer) {
            let turn = Turn(Some(waiting));
            let store = store.clone();
            tokio::spawn(async move { turn.read(&store).await });
        }
        let gone = |_| Err(Away("the read was cancelled".into()));
        answered.await.unwrap_or_else(gone)
    }

    /// Joins those who wait; they are returned to the first, who sees to it that they are read.
    fn join(&self, runtime: Id, keys: &[&str], answer: oneshot::Sender<Found>) -> Option<Shared> {
        OWN.with_borrow_mut(|own| {
            let own = own.entry((self.store, runtime)).or_default();
            if lock(own).places.len().saturating_add(keys.len()) > MOST {
                *own = Arc::default();
            }
            let mut waiting = lock(own);
            let is_first = waiting.readers.is_empty();
            let places = keys.iter().map(|key| waiting.place(key)).collect();
            waiting.readers.push(Reader { places, answer });
            is_first.then(|| own.clone())
        })
    }
}

impl Waiting {
    fn place(&mut self, key: &str) -> usize {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let next = self.places.len();
        self.places.insert(key.to_owned(), next);
        next
    }

    /// All keys, by their places.
    fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<(usize, &str)> = self
            .places
            .iter()
            .map(|(key, place)| (*place, key.as_str()))
            .collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// The runtime that does all of its work on this thread, where there is one.
fn runtime_of_this_thread() -> Option<Id> {
    let handle = Handle::try_current().ok()?;
    (handle.runtime_flavor() == RuntimeFlavor::CurrentThread).then(|| handle.id())
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The duty to read for those who wait. If it is dropped undone, with its runtime, nobody waits for it for ever.
struct Turn(Option<Shared>);

impl Turn {
    /// Whoever joins from now on has a turn of their own.
    fn take(&mut self) -> Waiting {
        let waiting = self.0.take();
        waiting.map_or_else(Waiting::default, |waiting| {
            std::mem::take(&mut *lock(&waiting))
        })
    }

    async fn read(mut self, store: &Store) {
        let waiting = self.take();
        let found = store.get(&waiting.keys()).await;
        for Reader { places, answer } in waiting.readers {
            let part = match &found {
                Ok(values) => Ok(places
                    .into_iter()
                    .map(|place| values.get(place).cloned().flatten())
                    .collect()),
                Err(away) => Err(away.clone()),
            };
            // Who has gone away meanwhile needs no answer.
            answer.send(part).ok();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.take());
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::base::clock::Clock;
    use crate::ephemeral::Ephemeral;

    const PATIENCE: Duration = Duration::from_secs(5);
    const LIFE: Duration = Duration::from_secs(600);

    /// A store that holds `value` under each of `key-0` to `key-9`, and nothing else.
    async fn store_of(value: &str) -> (TempDir, Ephemeral) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ephemeral.db");
        let opened = Ephemeral::embedded(&path, PATIENCE, Clock::system()).await;
        let store = opened.expect("a store");
        for number in 0..10 {
            let (key, value) = (format!("key-{number}"), format!("{value}-{number}"));
            store.put(&key, &value, LIFE).await.expect("a write");
        }
        (folder, store)
    }

    /// What such a store holds under a key.
    fn held(value: &str, key: &str) -> Option<String> {
        let number = key.strip_prefix("key-")?;
        (number.len() == 1).then(|| format!("{value}-{number}"))
    }

    fn runtime() -> Runtime {
        let mut builder = Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    }

    /// How many keys wait on this thread for the next read of a store, and of how many readers.
    fn waiting(store: &Ephemeral) -> (usize, usize) {
        let runtime = runtime_of_this_thread().expect("a runtime");
        OWN.with_borrow(|own| {
            let waiting = own.get(&(store.together.store, runtime));
            waiting.map_or((0, 0), |waiting| {
                let waiting = lock(waiting);
                (waiting.places.len(), waiting.readers.len())
            })
        })
    }

    /// Lets a read ask, and no more.
    async fn begin(read: &mut Pin<Box<impl Future>>) {
        poll_fn(|context| {
            assert!(read.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }

    /// Reads all of these lists of keys at once, each for itself, and holds every answer to its own.
    async fn read_at_once(store: &Ephemeral, lists: Vec<Vec<String>>) {
        let read = |keys: Vec<String>| {
            let store = store.clone();
            tokio::spawn(async move {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let found = store.get(&keys).await.expect("an answer");
                let wanted: Vec<_> = keys.iter().map(|key| held("value", key)).collect();
                assert_eq!(found, wanted, "{keys:?}");
            })
        };
        let reads: Vec<_> = lists.into_iter().map(read).collect();
        for read in reads {
            read.await.expect("a good answer");
        }
    }

    #[tokio::test]
    async fn each_reader_gets_its_own_in_its_order() {
        let (_folder, store) = store_of("value").await;
        let list = |reader: usize| -> Vec<String> {
            let (one, other) = (format!("key-{}", reader % 7), format!("key-{}", reader % 3));
            let missing = format!("missing-{reader}");
            let all = [one.clone(), missing, other, one, "missing".to_owned()];
            all.into_iter().take(reader % 6).collect()
        };
        read_at_once(&store, (0..40).map(list).collect()).await;
    }

    #[tokio::test]
    async fn what_is_asked_at_once_is_one_read() {
        let (_folder, store) = store_of("value").await;
        let (one, other, ()) = tokio::join!(
            store.get(&["key-1", "key-2"]),
            store.get(&["key-2"]),
            async { assert_eq!(waiting(&store), (2, 2)) }
        );
        let texts =
            |keys: &[&str]| -> Vec<_> { keys.iter().map(|key| held("value", key)).collect() };
        assert_eq!(one.expect("an answer"), texts(&["key-1", "key-2"]));
        assert_eq!(other.expect("an answer"), texts(&["key-2"]));
        assert_eq!(waiting(&store), (0, 0));
    }

    #[tokio::test]
    async fn more_keys_than_one_read_takes_are_more_reads() {
        let (_folder, store) = store_of("value").await;
        let list = |count: usize| -> Vec<String> {
            (0..count).map(|number| format!("key-{number}")).collect()
        };
        let mut lists: Vec<Vec<String>> = (0..60).map(|_| list(7)).collect();
        for count in [MOST, 300, MOST + 1, 1] {
            lists.insert(20, list(count));
        }
        read_at_once(&store, lists).await;
        read_at_once(&store, vec![list(300)]).await;
    }

    #[tokio::test]
    async fn whoever_asks_for_nothing_waits_for_nobody() {
        let (_folder, store) = store_of("value").await;
        let mut first = Box::pin(store.get(&["key-1"]));
        begin(&mut first).await;
        let nothing = store.get(&[]).await.expect("an answer");
        assert!(nothing.is_empty());
        assert_eq!(waiting(&store), (1, 1));
        assert!(first.await.is_ok());
    }

    #[test]
    fn a_runtime_that_ends_leaves_nobody_waiting() {
        let ended = runtime();
        let (_folder, store) = ended.block_on(store_of("value"));
        let mut read = Box::pin(store.get(&["key-1"]));
        ended.block_on(begin(&mut read));
        drop(ended);
        let next = runtime();
        assert!(next.block_on(read).is_err());
        let found = next.block_on(store.get(&["key-1"])).expect("an answer");
        assert_eq!(found, [held("value", "key-1")]);
    }

    #[test]
    fn a_runtime_that_rests_keeps_nobody_of_another_waiting() {
        let rests = runtime();
        let (_folder, store) = rests.block_on(store_of("value"));
        let mut read = Box::pin(store.get(&["key-1"]));
        rests.block_on(begin(&mut read));
        let found = runtime().block_on(async {
            let read = tokio::time::timeout(PATIENCE, store.get(&["key-2"]));
            read.await.expect("in time").expect("an answer")
        });
        assert_eq!(found, [held("value", "key-2")]);
        let found = rests.block_on(read).expect("an answer");
        assert_eq!(found, [held("value", "key-1")]);
    }

    #[tokio::test]
    async fn who_goes_away_takes_nobody_along() {
        let (_folder, store) = store_of("value").await;
        // The first sees to the read; the other stands between two who stay.
        let mut first = Box::pin(store.get(&["key-1", "key-2"]));
        let mut second = Box::pin(store.get(&["key-3"]));
        let mut third = Box::pin(store.get(&["key-4", "missing"]));
        let mut fourth = Box::pin(store.get(&["key-3", "key-5"]));
        begin(&mut first).await;
        begin(&mut second).await;
        begin(&mut third).await;
        begin(&mut fourth).await;
        drop((first, third));
        let (second, fourth) = tokio::join!(second, fourth);
        assert_eq!(second.expect("an answer"), [held("value", "key-3")]);
        let wanted = ["key-3", "key-5"].map(|key| held("value", key));
        assert_eq!(fourth.expect("an answer"), wanted);
    }

    #[tokio::test]
    async fn two_stores_do_not_mix() {
        let ((_one, one), (_other, other)) = tokio::join!(store_of("one"), store_of("other"));
        let keys = ["key-1", "key-2"];
        let (first, second, third) = tokio::join!(one.get(&keys), other.get(&keys), one.get(&keys));
        for (found, value) in [(first, "one"), (second, "other"), (third, "one")] {
            let wanted = keys.map(|key| held(value, key));
            assert_eq!(found.expect("an answer"), wanted, "{value}");
        }
    }
}
