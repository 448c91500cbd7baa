//! Requests to the decision endpoint and requests through proxies, read and decided without any store.

use doorward::parsers::{
    AccessConfig, AccountState, Claimed, DecisionInput, EvaluationRequest, ForwardedHeaders,
    ForwardedRequest, Origin, Policies, ProxyProtocol, ResourceName, Route, RouteResource,
    RouteTable, StepUpSearch, Subject, SubjectId, Timestamp, UserId, UserStatus, is_action, parts,
    readable,
};
use serde_json::{Map, Value};
use url::Url;

const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

/// Permits users, and no external subjects; what callers claim makes no difference.
const POLICIES: &str = r#"
permit (principal is User, action, resource);
permit (principal in Role::"admin", action, resource);
permit (principal is ExternalSubject, action, resource) when { context has auth || context.resource_roles.contains("OWNER") };
permit (principal is ExternalSubject, action, resource) when { resource has open || principal == ExternalSubject::"user" };
"#;

/// Policies in force.
pub struct Decisions(Policies);

impl Decisions {
    /// Loads them.
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("doorward-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("all.cedar"), POLICIES).expect("a file");
        let policies = Policies::new(&AccessConfig {
            policies: Some(folder.clone()),
            schema: None,
            subject_id: SubjectId::Id,
            routes: Vec::new(),
        });
        policies.load();
        std::fs::remove_dir_all(folder).expect("removed");
        assert!(policies.are_in_force());
        Self(policies)
    }

    /// A request to the evaluation endpoint: whatever it claims, an external subject gains nothing by it, and a user loses
    /// nothing.
    pub fn read_request(&self, request: &Map<String, Value>) {
        let Ok(asks) = EvaluationRequest::read(request) else {
            return;
        };
        let Ok(resource) = ResourceName::parse(&asks.resource.kind, &asks.resource.id) else {
            return;
        };
        if !is_action(&asks.action.name) {
            return;
        }
        let mut input = DecisionInput {
            claimed: asks.claimed(),
            subject: Subject::ExternalSubject {
                kind: asks.subject.kind,
                id: asks.subject.id,
            },
            action: asks.action.name,
            resource,
            resource_roles: Vec::new(),
            attributes: Map::new(),
            now: NOW,
        };
        self.expect(&input, false);
        input.subject = user();
        self.expect(&input, true);
    }

    /// Any claims of a caller and any registered attributes are shown to policies as they are, or refused.
    pub fn read_claims(&self, said: &Map<String, Value>) {
        let input = DecisionInput {
            subject: user(),
            action: "view".to_owned(),
            resource: ResourceName::parse("order", "7").expect("a name"),
            resource_roles: Vec::new(),
            attributes: said.clone(),
            claimed: Claimed {
                subject: said.clone(),
                resource: said.clone(),
                action: said.clone(),
                context: said.clone(),
            },
            now: NOW,
        };
        self.expect(&input, readable(said).is_ok());
    }

    fn expect(&self, input: &DecisionInput, permitted: bool) {
        let decision = self.0.decide(input, StepUpSearch::Search);
        assert_eq!(decision.is_allowed, permitted, "{decision:?} of {input:?}");
    }
}

impl Default for Decisions {
    fn default() -> Self {
        Self::new()
    }
}

fn user() -> Subject {
    Subject::Person {
        account_state: Box::new(AccountState {
            user_id: UserId::random(),
            version: 1,
            username: "ada".into(),
            email: None,
            email_verified: false,
            display_name: "Ada".into(),
            status: UserStatus::Active,
            session_epoch: 0,
            roles: Vec::new(),
            passkeys: Vec::new(),
            ended: Vec::new(),
            stepped_up: Vec::new(),
            revoked: Vec::new(),
        }),
        auth: None,
    }
}

/// A table of routes of every shape.
pub struct Routes(RouteTable);

impl Routes {
    /// Configures it.
    pub fn new() -> Self {
        let route = |path: &str, id: &str| Route {
            host: "shop.example.com".into(),
            path: path.into(),
            methods: Vec::new(),
            action: "view".into(),
            resource: RouteResource {
                kind: "order".into(),
                id: id.into(),
            },
            sign_in: true,
            jwt: false,
            cross_origin: false,
        };
        let routes = [
            route("/orders/{id}", "{id}"),
            route("/{shop}/orders/{id}", "{shop}/{id}"),
            route("/files/{path...}", "{path}"),
            route("/static/*", "static"),
        ];
        let issuer = Origin::parse("https://id.example.com").expect("an origin");
        Self(RouteTable::parse(&routes, &issuer).expect("routes"))
    }

    /// The headers of a request, one in each line: `X-Original-URL`, `X-Original-Method`, `X-Forwarded-Method`, `-Proto`, `-Host`,
    /// `-Uri`; an empty one is not sent.
    pub fn read_forwarded(&self, text: &str) {
        let mut lines = text
            .split('\n')
            .map(Some)
            .map(|line| line.filter(|line| !line.is_empty()));
        let mut next = || lines.next().flatten();
        let forwarded = ForwardedHeaders {
            original_url: next(),
            original_method: next(),
            method: next(),
            proto: next(),
            host: next(),
            uri: next(),
        };
        if let Ok(asked) = forwarded.read(&self.0) {
            self.check(&asked);
        }
    }

    /// The request that was read has one meaning.
    fn check(&self, asked: &ForwardedRequest) {
        let host = &asked.target.host;
        let path_and_query = asked.target.path_and_query();
        let path = path_and_query.split('?').next().unwrap_or_default();
        // 1. Browsers, and programs that read URLs as browsers do, understand the same by it.
        let address = host.with_path(path_and_query);
        let url = Url::parse(&address);
        assert!(
            url.is_ok_and(|url| url.path() == path && url.host_str() == Some("shop.example.com")),
            "read in two ways"
        );
        assert!(
            !path.starts_with("//") && path.starts_with('/'),
            "another host"
        );
        // 2. Forwarded in the other dialect it is the same request.
        let url = host.with_path(path_and_query);
        let other = match asked.protocol {
            ProxyProtocol::XOriginal => ForwardedHeaders {
                method: Some(&asked.method),
                proto: Some(host.scheme()),
                host: Some(host.authority()),
                uri: Some(path_and_query),
                ..ForwardedHeaders::default()
            },
            ProxyProtocol::XForwarded | ProxyProtocol::ExtAuthz => ForwardedHeaders {
                original_url: Some(&url),
                original_method: Some(&asked.method),
                ..ForwardedHeaders::default()
            },
        };
        let other = other.read(&self.0);
        assert!(
            other.is_ok_and(|other| other.target == asked.target && other.method == asked.method),
            "the other dialect differs"
        );
        // 3. The resource's ID contains nothing that the path did not.
        let Ok(parts) = parts(path) else {
            return;
        };
        if let Some(found) = self.0.find(host, &asked.method, &parts) {
            let id = found.resource.id.as_str();
            assert!(!id.chars().any(char::is_control), "a control character");
            assert!(
                id == "static"
                    || id
                        .split('/')
                        .all(|piece| parts.iter().any(|part| part == piece)),
                "another resource"
            );
        }
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}
