//! The extractor of those pages of the console that are not for administrators alone: whoever manages something.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::base::ids::UserId;
use crate::clients::{ActingAs, Permission};
use crate::sessions::{CallerError, PageVisitor, TurnedAway};
use crate::users::http::{find_for, rights_of};
use crate::users::{Authority, Rights, User, Users};
use crate::web::Problem;

/// An administrator, or a person whose roles let them manage something, who looks at a page.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) visitor: PageVisitor,
    pub(super) rights: Rights,
}

impl Manager {
    /// Whether their last ceremony is recent: asked before every act.
    pub(super) fn is_fresh(&self) -> bool {
        self.visitor.signed_in.is_fresh()
    }

    /// The user as the caller of an operation that changes something.
    pub(super) fn acting(&self, request: &HttpRequest) -> ActingAs {
        let permission = if self.rights.is_administrator {
            Permission::Administrator
        } else {
            Permission::Roles
        };
        self.visitor.signed_in.acting(request, permission)
    }

    /// By what right they act.
    pub(super) fn authority(&self) -> Authority {
        Authority::Delegate(self.visitor.user())
    }

    /// Themself, where there is somebody whom they may not manage.
    pub(super) fn delegate(&self) -> Option<UserId> {
        (!self.rights.is_administrator).then(|| self.visitor.user())
    }

    /// The person that a path names.
    ///
    /// # Errors
    /// `forbidden` for whom they may not manage, whether or not there is somebody.
    pub(super) async fn find(&self, users: &Users, name: &str) -> Result<User, Problem> {
        find_for(users, self.delegate(), name).await
    }
}

impl FromRequest for Manager {
    type Error = TurnedAway;
    type Future = LocalBoxFuture<'static, Result<Self, TurnedAway>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = PageVisitor::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let mut visitor = visitor.await?;
            let rights = rights_of(&request, &mut visitor).await?;
            if rights.is_empty() {
                return Err(Problem::from(CallerError::NotAdministrator).into());
            }
            Ok(Self { visitor, rights })
        })
    }
}
