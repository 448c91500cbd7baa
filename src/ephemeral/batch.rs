//! Read batching: the reads that one worker thread issues in the same scheduler turn become one read of the store. There is no
//! timer: a batch is sent as soon as the thread has run everything that was ready. Nothing is cached.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::{Handle, Id, RuntimeFlavor};
use tokio::sync::oneshot;

use super::{Store, StoreUnavailable};

/// Values of the requested keys, in the order of the keys.
pub(super) type Values = Result<Vec<Option<String>>, StoreUnavailable>;

/// Maximum number of keys in one read of the store.
const MAX_KEYS: usize = 256;

/// A store and a runtime. Reads are batched for each runtime: one that is not polled must not delay the reads of another.
type BatchId = (u64, Id);

thread_local! {
    static PENDING: RefCell<HashMap<BatchId, Vec<PendingRead>>> = RefCell::default();
}

/// The keys of a read, and the channel for its values.
type PendingRead = (Vec<String>, oneshot::Sender<Values>);

/// Batches the reads of one store.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadBatcher {
    /// Distinguishes the stores of one process.
    store: u64,
}

impl ReadBatcher {
    pub(super) fn new() -> Self {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        Self {
            store: OPENED.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Reads keys, in one batch with the other reads of this turn. The values are read after the call, never before.
    pub(super) async fn get(self, store: &Store, keys: &[&str]) -> Values {
        if keys.is_empty() {
            // MGET without a key is an error.
            return Ok(Vec::new());
        }
        let Some(runtime) = runtime_of_this_thread() else {
            // The threads of a shared runtime have no turn in common.
            return store.get(keys).await;
        };
        let id = (self.store, runtime);
        let (response, values) = oneshot::channel();
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let is_first = PENDING.with_borrow_mut(|pending| {
            let batch = pending.entry(id).or_default();
            batch.push((keys, response));
            batch.len() == 1
        });
        if is_first {
            let (batch, store) = (Batch(id), store.clone());
            tokio::spawn(async move { batch.read(&store).await });
        }
        let abandoned = |_| Err(StoreUnavailable("the read was abandoned".into()));
        values.await.unwrap_or_else(abandoned)
    }
}

/// Returns the runtime of this thread, if it is a single-threaded one.
fn runtime_of_this_thread() -> Option<Id> {
    let handle = Handle::try_current().ok()?;
    (handle.runtime_flavor() == RuntimeFlavor::CurrentThread).then(|| handle.id())
}

/// A pending batch. If it is dropped with its runtime, its reads fail.
struct Batch(BatchId);

impl Batch {
    fn take(&self) -> Vec<PendingRead> {
        let taken = PENDING.try_with(|pending| pending.borrow_mut().remove(&self.0));
        taken.ok().flatten().unwrap_or_default()
    }

    async fn read(self, store: &Store) {
        let reads = self.take();
        // Reads issued from now on form the next batch.
        drop(self);
        let (reads, responses): (Vec<_>, Vec<_>) = reads.into_iter().unzip();
        let keys: BTreeSet<&str> = reads.iter().flatten().map(String::as_str).collect();
        let found = read_all(store, &Vec::from_iter(keys)).await;
        for (keys, response) in reads.iter().zip(responses) {
            let values = match &found {
                Ok(found) => {
                    let value = |key: &String| found.get(key.as_str()).cloned();
                    Ok(keys.iter().map(value).collect())
                }
                Err(unavailable) => Err(unavailable.clone()),
            };
            // The caller may no longer wait.
            response.send(values).ok();
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// Reads the keys and returns the values of those that exist.
async fn read_all<'k>(
    store: &Store,
    keys: &[&'k str],
) -> Result<HashMap<&'k str, String>, StoreUnavailable> {
    let mut found = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(MAX_KEYS) {
        let values = store.get(keys).await?;
        let pairs = keys.iter().copied().zip(values);
        found.extend(pairs.filter_map(|(key, value)| Some((key, value?))));
    }
    Ok(found)
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

    const TIMEOUT: Duration = Duration::from_secs(5);
    const TTL: Duration = Duration::from_secs(600);

    /// A store that holds `value` under each of `key-0` to `key-9`, and nothing else.
    async fn store_of(value: &str) -> (TempDir, Ephemeral) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ephemeral.db");
        let opened = Ephemeral::embedded(&path, TIMEOUT, Clock::system()).await;
        let store = opened.expect("a store");
        for number in 0..10 {
            let (key, value) = (format!("key-{number}"), format!("{value}-{number}"));
            store.put(&key, &value, TTL).await.expect("a write");
        }
        (folder, store)
    }

    /// The value of a key in such a store.
    fn held(value: &str, key: &str) -> Option<String> {
        let number = key.strip_prefix("key-")?;
        (number.len() == 1).then(|| format!("{value}-{number}"))
    }

    fn runtime() -> Runtime {
        let mut builder = Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    }

    /// Returns how many keys and how many reads are in the pending batch of this thread.
    fn pending(store: &Ephemeral) -> (usize, usize) {
        let runtime = runtime_of_this_thread().expect("a runtime");
        PENDING.with_borrow(|pending| {
            let batch = pending.get(&(store.batcher.store, runtime));
            batch.map_or((0, 0), |batch| {
                let keys = batch.iter().flat_map(|(keys, _)| keys);
                (keys.collect::<BTreeSet<_>>().len(), batch.len())
            })
        })
    }

    async fn begin(read: &mut Pin<Box<impl Future>>) {
        poll_fn(|context| {
            assert!(read.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }

    /// Reads all of these lists of keys concurrently and checks each response.
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
    async fn each_read_gets_its_values_in_the_order_of_its_keys() {
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
    async fn reads_of_one_scheduler_turn_are_one_batch() {
        let (_folder, store) = store_of("value").await;
        let (one, other, ()) = tokio::join!(
            store.get(&["key-1", "key-2"]),
            store.get(&["key-2"]),
            async { assert_eq!(pending(&store), (2, 2)) }
        );
        let texts =
            |keys: &[&str]| -> Vec<_> { keys.iter().map(|key| held("value", key)).collect() };
        assert_eq!(one.expect("an answer"), texts(&["key-1", "key-2"]));
        assert_eq!(other.expect("an answer"), texts(&["key-2"]));
        assert_eq!(pending(&store), (0, 0));
    }

    #[tokio::test]
    async fn a_batch_with_too_many_keys_is_read_in_parts() {
        let (_folder, store) = store_of("value").await;
        let list = |count: usize| -> Vec<String> {
            (0..count).map(|number| format!("key-{number}")).collect()
        };
        let mut lists: Vec<Vec<String>> = (0..60).map(|_| list(7)).collect();
        for count in [MAX_KEYS, 300, MAX_KEYS + 1, 1] {
            lists.insert(20, list(count));
        }
        read_at_once(&store, lists).await;
        read_at_once(&store, vec![list(300)]).await;
    }

    #[tokio::test]
    async fn a_read_without_keys_does_not_wait() {
        let (_folder, store) = store_of("value").await;
        let mut first = Box::pin(store.get(&["key-1"]));
        begin(&mut first).await;
        let nothing = store.get(&[]).await.expect("an answer");
        assert!(nothing.is_empty());
        assert_eq!(pending(&store), (1, 1));
        assert!(first.await.is_ok());
    }

    #[test]
    fn pending_reads_fail_when_their_runtime_ends() {
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
    fn a_runtime_that_is_not_polled_does_not_delay_another() {
        let rests = runtime();
        let (_folder, store) = rests.block_on(store_of("value"));
        let mut read = Box::pin(store.get(&["key-1"]));
        rests.block_on(begin(&mut read));
        let found = runtime().block_on(async {
            let read = tokio::time::timeout(TIMEOUT, store.get(&["key-2"]));
            read.await.expect("in time").expect("an answer")
        });
        assert_eq!(found, [held("value", "key-2")]);
        let found = rests.block_on(read).expect("an answer");
        assert_eq!(found, [held("value", "key-1")]);
    }

    #[tokio::test]
    async fn a_cancelled_read_does_not_affect_the_others() {
        let (_folder, store) = store_of("value").await;
        // The first read starts the batch.
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
    async fn the_reads_of_two_stores_are_separate() {
        let ((_one, one), (_other, other)) = tokio::join!(store_of("one"), store_of("other"));
        let keys = ["key-1", "key-2"];
        let (first, second, third) = tokio::join!(one.get(&keys), other.get(&keys), one.get(&keys));
        for (found, value) in [(first, "one"), (second, "other"), (third, "one")] {
            let wanted = keys.map(|key| held(value, key));
            assert_eq!(found.expect("an answer"), wanted, "{value}");
        }
    }
}
