//! Names the user for whom a page was rendered in its forms and scripts. A request is refused if another user is
//! signed in by then.
//!
//! A form has the field [`FIELD`]; a script sends the header [`HEADER`]. Both name the user by ID. Neither is a secret:
//! cross-site requests are refused before (see `guards`), so the value comes from Doorward's own pages, which may be out of date.

use actix_web::http::Method;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest};
use url::form_urlencoded;

use super::paths::is_api_path;
use crate::base::ids::UserId;

/// Hidden field of all forms that post to Doorward. Its value is `{user ID} {display name}`.
pub const FIELD: &str = "rendered_for";

/// Field for a secret that a user types.
const SECRET: &str = "client_secret";

/// Field that says that the secret of a form was left out. A form with a secret has it, empty.
pub const SECRET_LEFT_OUT: &str = "secret_left_out";

/// Header of all calls by a page's script. Its value is the user ID.
const HEADER: &str = "doorward-user";

/// Body of a form as it was sent, for middleware that needs it besides the handler.
#[derive(Clone, Debug)]
pub struct SubmittedForm(pub Bytes);

impl SubmittedForm {
    /// Returns the form in a request, if there is one.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Returns the names and values of the fields in order, without the one that names the user. They are written into pages and
    /// stored for a while, so a secret is left out: [`SECRET_LEFT_OUT`] is `yes` instead, and the user types the secret again.
    pub fn fields(&self) -> Vec<(String, String)> {
        let all = || form_urlencoded::parse(&self.0);
        let has_secret = all().any(|(name, value)| name == SECRET && !value.is_empty());
        let left_out = has_secret.then(|| (SECRET_LEFT_OUT.to_owned(), "yes".to_owned()));
        all()
            .filter(|(name, _)| name != FIELD && name != SECRET)
            .filter(|(name, _)| !has_secret || name != SECRET_LEFT_OUT)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .chain(left_out)
            .collect()
    }

    /// Returns path and query of the page with the form that posts to `action`. Most forms post to their own page.
    pub fn page(&self, action: &str) -> String {
        match action {
            "/account/lock" => action.to_owned(),
            "/admin/invitations" => "/admin".to_owned(),
            own if own.starts_with("/account/") => "/account".to_owned(),
            // Fields of the form, not the path, name the resource.
            of_resource if of_resource.starts_with("/admin/resources/") => {
                let fields = self.fields();
                let names = fields
                    .iter()
                    .filter(|(name, _)| ["type", "id"].contains(&name.as_str()));
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.extend_pairs(names);
                format!("{of_resource}?{}", query.finish())
            }
            same => same.to_owned(),
        }
    }
}

/// User for whom a page was rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFor {
    /// ID of the user.
    pub user: UserId,
    /// Display name at that time; empty in calls of scripts.
    pub name: String,
}

impl RenderedFor {
    /// Parses the user in a form. Returns `None` if the field is missing, repeated or malformed.
    pub fn of_form(form: &SubmittedForm) -> Option<Self> {
        let mut named = form_urlencoded::parse(&form.0).filter(|(name, _)| name == FIELD);
        let (_, value) = named.next()?;
        if named.next().is_some() {
            return None;
        }
        let (id, name) = value.split_once(' ').unwrap_or((&value, ""));
        Some(Self {
            user: UserId::parse(id)?,
            name: name.to_owned(),
        })
    }
}

/// Which user the page that sent a request was rendered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderedForCheck {
    /// The request changes nothing, or it is an API call that names no user.
    NotRequired,
    /// The page was rendered for this user.
    For(RenderedFor),
    /// The request must name a user, but the user is missing or malformed.
    MissingUser,
}

/// Returns which user the page that sent a request was rendered for.
pub fn rendered_for_check(request: &HttpRequest) -> RenderedForCheck {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
        return RenderedForCheck::NotRequired;
    }
    let named = if is_api_path(request.path()) {
        let mut headers = request.headers().get_all(HEADER);
        let Some(value) = headers.next() else {
            return RenderedForCheck::NotRequired;
        };
        let id = value.to_str().ok().and_then(UserId::parse);
        id.filter(|_| headers.next().is_none())
            .map(|user| RenderedFor {
                user,
                name: String::new(),
            })
    } else {
        SubmittedForm::of(request)
            .as_ref()
            .and_then(RenderedFor::of_form)
    };
    named.map_or(RenderedForCheck::MissingUser, RenderedForCheck::For)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &'static str) -> SubmittedForm {
        SubmittedForm(Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn a_form_names_its_user_once() {
        let id = "0193a1b2-0000-7000-8000-000000000001";
        let body =
            |value: &str| SubmittedForm(Bytes::from(format!("a=b&rendered_for={value}&c=d")));
        let found = RenderedFor::of_form(&body(&format!("{id}+Zoe+Miller"))).expect("a user");
        assert_eq!(
            (found.user.to_string().as_str(), found.name.as_str()),
            (id, "Zoe Miller")
        );
        assert_eq!(RenderedFor::of_form(&body(id)).expect("a user").name, "");
        for wrong in ["", "x", "+Zoe", &format!("{id}&rendered_for={id}")] {
            assert_eq!(RenderedFor::of_form(&body(wrong)), None, "{wrong}");
        }
        assert_eq!(RenderedFor::of_form(&form("a=b")), None);
    }

    #[test]
    fn the_fields_of_a_form_are_those_that_the_page_has() {
        let fields = form("name=A+B&rendered_for=x&role%3Aadmin=yes").fields();
        let expected = [("name", "A B"), ("role:admin", "yes")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields, expected);
    }

    #[test]
    fn the_fields_of_a_form_say_that_a_secret_was_left_out() {
        let left_out = [("version", "1"), ("secret_left_out", "yes")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        for body in [
            "version=1&secret_left_out=&client_secret=typed",
            "client_secret=typed&version=1",
            "version=1&secret_left_out=yes&client_secret=",
        ] {
            assert_eq!(form(body).fields(), left_out, "{body}");
        }
        let none = form("secret_left_out=&client_secret=").fields();
        assert_eq!(none, [("secret_left_out".to_owned(), String::new())]);
    }

    #[test]
    fn a_form_returns_to_the_page_that_shows_it() {
        let form = form("type=order&id=a+b&title=x&rendered_for=y");
        for (action, page) in [
            ("/account/profile", "/account"),
            ("/account/passkeys/x/rename", "/account"),
            ("/account/lock", "/account/lock"),
            ("/admin/invitations", "/admin"),
            ("/admin/clients/new", "/admin/clients/new"),
            (
                "/admin/resources/detail",
                "/admin/resources/detail?type=order&id=a+b",
            ),
        ] {
            assert_eq!(form.page(action), page);
        }
    }

    /// A form without the field would always be refused.
    #[test]
    fn every_form_of_a_template_names_its_user() {
        // These forms post to an app, are served at a protected host, or need no user.
        let others = [
            "form_post.html",
            "protected_host.html",
            "enter_invitation.html",
        ];
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/templates");
        let mut found = 0;
        for part in ["", "parts"] {
            for entry in std::fs::read_dir(folder.join(part)).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default()
                    .to_owned();
                if path.is_dir() || others.contains(&name.as_str()) {
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("text");
                for form in text.split("<form").skip(1) {
                    let form = form.split("</form>").next().unwrap_or_default();
                    if form.contains("method=\"post\"") {
                        assert!(
                            form.contains("{% include \"parts/rendered_for.html\" %}"),
                            "{name}: {form}"
                        );
                        found += 1;
                    }
                }
            }
        }
        assert!(found > 20, "the templates were not read");
    }
}
