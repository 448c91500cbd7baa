//! Errors in a page that are not visible to the user.

use serde_json::{Value, json};

use super::Page;
use super::devtools::Event;

impl Page {
    /// Returns uncaught exceptions, `console.error` messages, failed requests and violations of the content security policy of
    /// all documents that this page has shown so far.
    pub fn console_errors(&self) -> Vec<String> {
        // Events arrive before the response to a later call.
        self.call("Runtime.evaluate", json!({"expression": "0"}));
        self.running
            .devtools
            .events(&self.session)
            .iter()
            .filter_map(error_text)
            .collect()
    }
}

/// Returns the description of an uncaught exception.
pub fn exception_text(details: &Value) -> String {
    let description = details["exception"]["description"]
        .as_str()
        .or(details["text"].as_str());
    let value = || details["exception"]["value"].to_string();
    description.map_or_else(value, str::to_owned)
}

fn error_text(event: &Event) -> Option<String> {
    let params = &event.params;
    match event.method.as_str() {
        "Runtime.exceptionThrown" => Some(format!(
            "exception: {}",
            exception_text(&params["exceptionDetails"])
        )),
        "Runtime.consoleAPICalled" if params["type"] == "error" || params["type"] == "assert" => {
            let arguments = params["args"]
                .as_array()?
                .iter()
                .map(argument_text)
                .collect::<Vec<_>>();
            Some(format!("console: {}", arguments.join(" ")))
        }
        "Log.entryAdded" if params["entry"]["level"] == "error" => {
            let entry = &params["entry"];
            let part = |name: &str| entry[name].as_str().unwrap_or_default();
            Some(format!(
                "{}: {} {}",
                part("source"),
                part("text"),
                part("url")
            ))
        }
        "Inspector.targetCrashed" => Some("the page has crashed".to_owned()),
        _ => None,
    }
}

fn argument_text(argument: &Value) -> String {
    match (&argument["value"], argument["description"].as_str()) {
        (Value::String(text), _) => text.clone(),
        (Value::Null, Some(description)) => description.to_owned(),
        (value, _) => value.to_string(),
    }
}
