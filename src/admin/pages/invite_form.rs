//! The form that invites a new user.

use std::collections::{BTreeSet, HashMap};

use super::given;
use super::role_boxes::checked;
use crate::base::text_type::TextError;
use crate::users::{DisplayName, Email, NewInvitation, Username};
use crate::web::{FieldProblem, Frame};

/// The details of the new user as typed. The user fills in the empty ones.
#[derive(Debug, Default)]
pub(super) struct InviteForm {
    pub(super) username: String,
    pub(super) email: String,
    /// Whether the address is not to count as verified.
    pub(super) email_unverified: bool,
    pub(super) display_name: String,
    pub(super) roles: BTreeSet<String>,
}

impl InviteForm {
    pub(super) fn sent(sent: &HashMap<String, String>) -> Self {
        let text = |name: &str| sent.get(name).cloned().unwrap_or_default();
        Self {
            username: text("username"),
            email: text("email"),
            email_unverified: sent.contains_key("email_unverified"),
            display_name: text("display_name"),
            roles: checked(sent),
        }
    }

    pub(super) fn parse(&self, frame: &Frame) -> Result<NewInvitation, FieldProblem> {
        let refused = |field, sentence| move |_: TextError| FieldProblem::new(field, sentence);
        Ok(NewInvitation {
            username: given(self.username.trim())
                .map(Username::parse)
                .transpose()
                .map_err(refused("username", frame.text("field.username")))?,
            email: given(self.email.trim())
                .map(Email::parse)
                .transpose()
                .map_err(refused("email", frame.text("field.email")))?,
            display_name: given(self.display_name.trim())
                .map(DisplayName::parse)
                .transpose()
                .map_err(refused("display_name", frame.text("field.display_name")))?,
            roles: self.roles.iter().cloned().collect(),
            email_verified: self.email_unverified.then_some(false),
            ..NewInvitation::default()
        })
    }

    /// A name for the user in texts: the first of display name, username and email address that was typed.
    pub(super) fn name(&self) -> Option<String> {
        [&self.display_name, &self.username, &self.email]
            .into_iter()
            .map(|text| text.trim().to_owned())
            .find(|text| !text.is_empty())
    }
}
