//! The extractor of admin pages: the signed-in user, what they manage, and the operations that they may run.

use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::admin::commands::{Commands, TypeAccess};
use crate::admin::http::commands_for;
use crate::base::ids::{SessionId, UserId};
use crate::clients::Scope;
use crate::sessions::{Caller, CallerError, PageAccessError, PageVisitor, StepUpRequired};
use crate::users::http::find_management_rights;
use crate::users::{ManagementRights, Permit, User};
use crate::web::{Frame, Problem};

/// The permissions that a page needs.
pub(super) trait Needs: 'static {
    fn are_met(rights: &ManagementRights) -> bool;
}

/// The visitor manages users or resources.
pub(super) struct AnyRight;

/// The visitor is an administrator.
pub(super) struct Administration;

/// The visitor manages role assignments on resources of some type.
pub(super) struct ResourceManagement;

impl Needs for AnyRight {
    fn are_met(rights: &ManagementRights) -> bool {
        !rights.is_empty()
    }
}

impl Needs for Administration {
    fn are_met(rights: &ManagementRights) -> bool {
        rights.is_administrator
    }
}

impl Needs for ResourceManagement {
    fn are_met(rights: &ManagementRights) -> bool {
        TypeAccess::of_rights(rights).is_some()
    }
}

pub(super) type Manager = Visitor<AnyRight>;
pub(super) type Administrator = Visitor<Administration>;
pub(super) type RoleAssignmentManager = Visitor<ResourceManagement>;

/// A signed-in user who may see the page. Dereferences to the operations for this user.
pub(super) struct Visitor<N> {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) rights: ManagementRights,
    frame: Frame,
    commands: Commands,
    needs: PhantomData<N>,
}

impl<N> Visitor<N> {
    /// The frame of a page for the visitor.
    pub(super) fn frame(&self) -> Frame {
        self.frame.clone()
    }

    /// Requires a recent sign-in for a change.
    pub(super) fn permit(&self) -> Result<Permit, StepUpRequired> {
        // Any scope will do: scopes limit clients, and the visitor has a session of their own.
        self.actor.permit(Scope::UsersWrite)
    }

    /// The user that a path names, if the visitor manages them.
    pub(super) async fn find(&self, name: &str) -> Result<User, Problem> {
        Ok(self.find_user(name, Scope::UsersRead).await?)
    }

    /// The types of resources that the visitor manages.
    pub(super) fn type_access(&self) -> TypeAccess {
        let access = TypeAccess::of_rights(&self.rights);
        access.unwrap_or_else(|| TypeAccess::Types([].into()))
    }
}

impl<N> Deref for Visitor<N> {
    type Target = Commands;

    fn deref(&self) -> &Commands {
        &self.commands
    }
}

impl<N: Needs> FromRequest for Visitor<N> {
    type Error = PageAccessError;
    type Future = LocalBoxFuture<'static, Result<Self, PageAccessError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = PageVisitor::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let mut visitor = visitor.await?;
            let rights = find_management_rights(&request, &mut visitor).await?;
            if !N::are_met(&rights) {
                return Err(Problem::from(CallerError::NotPermitted).into());
            }
            let PageVisitor { signed_in, frame } = visitor;
            Ok(Self {
                user: signed_in.session.user,
                session: signed_in.session.id,
                rights,
                frame,
                commands: commands_for(&request, Caller::Person(Box::new(signed_in)))?,
                needs: PhantomData,
            })
        })
    }
}
