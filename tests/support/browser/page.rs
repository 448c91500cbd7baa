//! A browser page: navigation, content and script evaluation.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{BOUND, Running};
use crate::support::process::Deadline;

/// A page in a browser context of its own; both are closed when it is dropped.
///
/// Every wait is limited to 20 seconds. Failures panic with the URL, the title and the text of the page.
pub struct Page {
    pub(super) running: Arc<Running>,
    pub(super) session: String,
    target: String,
    context: String,
}

impl Page {
    pub(super) fn open(running: Arc<Running>, context: String) -> Self {
        let call = |method: &str, params: Value| {
            running
                .devtools
                .call(None, method, params, BOUND)
                .unwrap_or_else(|error| panic!("{error}"))
        };
        let created = call(
            "Target.createTarget",
            json!({"url": "about:blank", "browserContextId": context}),
        );
        let target = created["targetId"]
            .as_str()
            .expect("a target id")
            .to_owned();
        let attached = call(
            "Target.attachToTarget",
            json!({"targetId": target, "flatten": true}),
        );
        let session = attached["sessionId"]
            .as_str()
            .expect("a session id")
            .to_owned();
        let page = Self {
            running,
            session,
            target,
            context,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.call("Page.setLifecycleEventsEnabled", json!({"enabled": true}));
        // A page without the focus can't use passkeys, and only one page of a browser has the real focus.
        page.call(
            "Emulation.setFocusEmulationEnabled",
            json!({"enabled": true}),
        );
        page
    }

    /// Calls a method of the DevTools protocol on this page; panics if it fails.
    pub fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params, BOUND)
            .unwrap_or_else(|error| self.fail(&error))
    }

    /// Opens a URL and waits until it is loaded.
    pub fn goto(&self, url: &str) {
        let started = self.call("Page.navigate", json!({"url": url}));
        if let Some(error) = started["errorText"].as_str() {
            self.fail(&format!("{url} does not open: {error}"));
        }
        // A change of the fragment loads nothing.
        if started["loaderId"].is_null() {
            return;
        }
        let is_loaded = self
            .running
            .devtools
            .wait_for_event(&self.session, BOUND, |event| {
                event.method == "Page.lifecycleEvent"
                    && event.params["name"] == "load"
                    && event.params["loaderId"] == started["loaderId"]
            });
        if !is_loaded {
            self.fail(&format!("{url} is not loaded within {BOUND:?}"));
        }
    }

    /// Returns the value of an expression (awaiting a promise), evaluated as during a user gesture; panics if it throws.
    pub fn evaluate(&self, expression: &str) -> Value {
        match self.try_evaluate(expression, BOUND) {
            Ok(value) => value,
            Err(error) => self.fail(&format!("{error}\nin the script {expression}")),
        }
    }

    /// Waits until an expression is true, across navigations.
    pub fn wait_for(&self, predicate: &str) {
        let expression = format!("Boolean({predicate})");
        self.wait_until(&format!("{predicate} is not true"), || {
            (self.try_evaluate(&expression, BOUND).ok()? == true).then_some(())
        });
    }

    /// Waits until the page shows a text.
    pub fn wait_for_text(&self, text: &str) {
        self.wait_for(&format!(
            "document.body && document.body.innerText.includes({})",
            json!(text)
        ));
    }

    /// Returns the visible text of the page.
    pub fn text(&self) -> String {
        self.evaluate("document.body ? document.body.innerText : ''")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Returns the page's current URL.
    pub fn url(&self) -> String {
        self.evaluate("location.href")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Disconnects the page from the network, or reconnects it.
    pub fn network_offline(&self, is_offline: bool) {
        let conditions = json!({"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.call("Network.emulateNetworkConditions", conditions);
    }

    pub(super) fn try_call(
        &self,
        method: &str,
        params: Value,
        bound: Duration,
    ) -> Result<Value, String> {
        self.running
            .devtools
            .call(Some(&self.session), method, params, bound)
    }

    pub(super) fn try_evaluate(&self, expression: &str, bound: Duration) -> Result<Value, String> {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let mut answer = self.try_call("Runtime.evaluate", params, bound)?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(super::console::exception_text(details)),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Polls until there is a value.
    pub(super) fn wait_until<T>(&self, failure: &str, mut value: impl FnMut() -> Option<T>) -> T {
        let deadline = Deadline::after(BOUND);
        loop {
            if let Some(value) = value() {
                return value;
            }
            if !deadline.pause() {
                self.fail(&format!("{failure} within {BOUND:?}"));
            }
        }
    }

    /// Panics with the content of the page.
    pub(super) fn fail(&self, what: &str) -> ! {
        let description =
            "[location.href, document.title, document.body ? document.body.innerText : '']";
        let page = self
            .try_evaluate(description, Duration::from_secs(2))
            .unwrap_or_else(|error| json!([error]));
        let part = |index: usize| page[index].as_str().unwrap_or_default();
        panic!(
            "{what}\n  url: {}\n  title: {}\n  text: {}",
            part(0),
            part(1),
            part(2).replace('\n', "\n        ")
        );
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let bound = Duration::from_secs(5);
        let devtools = &self.running.devtools;
        // Errors are ignored, because a crashed browser has already failed the test.
        let _ = devtools.call(
            None,
            "Target.closeTarget",
            json!({"targetId": self.target}),
            bound,
        );
        let context = json!({"browserContextId": self.context});
        let _ = devtools.call(None, "Target.disposeBrowserContext", context, bound);
    }
}
