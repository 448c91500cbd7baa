//! The extractor of those pages of the console that are about grants and things: an administrator, or whoever manages the grants on
//! things of some types, who sees these alone.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::manager::Manager;
use crate::admin::http::reach::Reach;
use crate::base::ids::UserId;
use crate::clients::{ActingAs, Permission};
use crate::sessions::{CallerError, PageVisitor, TurnedAway};
use crate::users::{User, Users};
use crate::web::{Frame, Problem};

/// Somebody who looks at a page of grants, and how far they reach.
#[derive(Debug)]
pub(super) struct GrantManager {
    pub(super) visitor: PageVisitor,
    pub(super) reach: Reach,
}

/// A person who holds something, as whoever looks may know them.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) id: UserId,
    /// What they are called, or their id.
    pub(super) name: String,
    /// Their page; `None`: whoever looks may not see it.
    pub(super) page: Option<String>,
}

impl Holder {
    /// Their page, or the list of what they hold.
    pub(super) fn url(&self) -> String {
        self.page.clone().unwrap_or_else(|| grants_url(self.id))
    }
}

/// The list of what a person holds on things.
pub(super) fn grants_url(user: UserId) -> String {
    format!("/admin/users/{user}/grants")
}

impl GrantManager {
    /// The frame of their page.
    pub(super) fn frame(&self) -> Frame {
        self.visitor.frame.clone()
    }

    /// Whether their last ceremony is recent: asked before every act.
    pub(super) fn is_fresh(&self) -> bool {
        self.visitor.signed_in.is_fresh()
    }

    /// The user as the caller of an operation that changes something.
    pub(super) fn acting(&self, request: &HttpRequest) -> ActingAs {
        let permission = if self.is_administrator() {
            Permission::Administrator
        } else {
            Permission::Roles
        };
        self.visitor.signed_in.acting(request, permission)
    }

    fn is_administrator(&self) -> bool {
        self.reach == Reach::Everything
    }

    /// The person that a path names, by id or username.
    ///
    /// # Errors
    /// `not-found`; for an id alone only where an administrator asks.
    pub(super) async fn find_holder(&self, users: &Users, name: &str) -> Result<Holder, Problem> {
        if self.is_administrator() {
            let person = users.find(name).await?;
            return Ok(self.holder(person.id, &[person]));
        }
        let id = users.resolve(name).await?;
        Ok(self.holder(id, &self.list_known(users, vec![id]).await?))
    }

    /// Those of these people whose names they may see: whom they manage, and themself.
    pub(super) async fn list_known(
        &self,
        users: &Users,
        ids: Vec<UserId>,
    ) -> Result<Vec<User>, Problem> {
        let names = ids.iter().map(ToString::to_string).collect();
        if self.is_administrator() {
            return Ok(users.find_many(names).await?);
        }
        let own = self.visitor.user();
        let mut known = users.find_managed_many(own, names).await?;
        if ids.contains(&own) {
            known.push(users.find(&own.to_string()).await?);
        }
        Ok(known)
    }

    /// A person among those who are known.
    pub(super) fn holder(&self, id: UserId, known: &[User]) -> Holder {
        let person = known.iter().find(|person| person.id == id);
        // Nobody manages themself.
        let is_theirs = person.is_some() && id != self.visitor.user();
        let has_page = self.is_administrator() || is_theirs;
        Holder {
            id,
            name: person.map_or_else(|| id.to_string(), |person| person.display_name.clone()),
            page: has_page.then(|| format!("/admin/users/{id}")),
        }
    }
}

impl FromRequest for GrantManager {
    type Error = TurnedAway;
    type Future = LocalBoxFuture<'static, Result<Self, TurnedAway>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let manager = Manager::from_request(request, payload);
        Box::pin(async move {
            let Manager { visitor, rights } = manager.await?;
            match Reach::of_rights(rights) {
                Some(reach) => Ok(Self { visitor, reach }),
                None => Err(Problem::from(CallerError::NotAdministrator).into()),
            }
        })
    }
}
