//! `[[access.route]]`: the shape of every entry. What an entry means is for the room `access` to judge.

use figment::value::{Dict, Value};

use super::read::{Reader, as_text};

/// One entry, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The host, with its port where that is not the scheme's own.
    pub host: String,
    /// The pattern of the path.
    pub path: String,
    /// The methods; none: all.
    pub methods: Vec<String>,
    /// What is done, in the words of the policies.
    pub action: String,
    /// The type of the thing.
    pub resource_type: String,
    /// The id of the thing, with names of the pattern in braces.
    pub resource_id: String,
    /// Whether visitors who are signed out and may not are sent to sign in.
    pub sign_in: bool,
    /// Whether what stands behind the proxy gets a signed token.
    pub jwt: bool,
    /// Whether pages of other sites may have signed-in people change something here.
    pub cross_origin: bool,
}

const KEYS: [&str; 8] = [
    "host",
    "path",
    "methods",
    "action",
    "resource",
    "sign_in",
    "jwt",
    "cross_origin",
];

impl Reader {
    /// Every entry that has the right shape; the others are faults, under their place in the list.
    pub(super) fn routes(&mut self) -> Vec<Route> {
        let Some(Value::Array(_, entries)) = self.value("access", "route").cloned() else {
            self.fault(
                "access",
                "route",
                "must be a list of tables: [[access.route]]".into(),
            );
            return Vec::new();
        };
        let entries = entries.into_iter().enumerate();
        entries
            .filter_map(|(index, entry)| match entry {
                Value::Dict(_, keys) => Some(self.route(index, &keys)),
                _ => {
                    let key = format!("route[{index}]");
                    self.fault("access", &key, "must be a table".into());
                    None
                }
            })
            .collect()
    }

    fn route(&mut self, index: usize, keys: &Dict) -> Route {
        let mut entry = Entry {
            reader: self,
            index,
            keys,
        };
        for key in keys.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            entry.fault(key, "there is no such key");
        }
        let (resource_type, resource_id) = entry.resource();
        Route {
            host: entry.text("host"),
            path: entry.text("path"),
            methods: entry.methods(),
            action: entry.text("action"),
            resource_type,
            resource_id,
            sign_in: entry.flag("sign_in", true),
            jwt: entry.flag("jwt", false),
            cross_origin: entry.flag("cross_origin", false),
        }
    }
}

struct Entry<'a> {
    reader: &'a mut Reader,
    index: usize,
    keys: &'a Dict,
}

impl Entry<'_> {
    fn fault(&mut self, key: &str, reason: &str) {
        let key = format!("route[{}].{key}", self.index);
        self.reader.fault("access", &key, reason.to_owned());
    }

    fn text(&mut self, key: &str) -> String {
        match self.keys.get(key).map(as_text) {
            Some(Some(text)) => text,
            Some(None) => {
                self.fault(key, "must be text in quotes");
                String::new()
            }
            None => {
                self.fault(key, "is missing");
                String::new()
            }
        }
    }

    fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.keys.get(key) {
            None => default,
            Some(Value::Bool(_, flag)) => *flag,
            Some(_) => {
                self.fault(key, "must be true or false");
                default
            }
        }
    }

    fn methods(&mut self) -> Vec<String> {
        let listed = match self.keys.get("methods") {
            None => Some(Vec::new()),
            Some(Value::Array(_, items)) => items.iter().map(as_text).collect(),
            Some(_) => None,
        };
        listed.unwrap_or_else(|| {
            self.fault("methods", "must be a list such as [\"GET\", \"POST\"]");
            Vec::new()
        })
    }

    fn resource(&mut self) -> (String, String) {
        const SHAPE: &str = "must be a table such as { type = \"order\", id = \"{id}\" }";
        let Some(Value::Dict(_, resource)) = self.keys.get("resource") else {
            self.fault("resource", SHAPE);
            return (String::new(), String::new());
        };
        if resource.keys().any(|key| key != "type" && key != "id") {
            self.fault("resource", SHAPE);
        }
        let text = |key: &str| resource.get(key).and_then(as_text);
        let (kind, id) = (text("type"), text("id"));
        if kind.is_none() || id.is_none() {
            self.fault("resource", SHAPE);
        }
        (kind.unwrap_or_default(), id.unwrap_or_default())
    }
}
