//! Prepares a registration from each source: the options for the browser, and the purpose of the ceremony. Consumes nothing.

use serde_json::Value;

use crate::account_state::{self, UserStatus};
use crate::base::ids::UserId;
use crate::base::secrets::Token;
use crate::passkeys::ceremony::{CeremonyPurpose, Registration};
use crate::passkeys::error::CeremonyError;
use crate::passkeys::passkey::MAX_PASSKEYS;
use crate::passkeys::{Passkeys, queries};
use crate::sessions::LiveSession;
use crate::users::{self, DisplayName, Email, JoinError, JoinRequest, Username};

impl Passkeys {
    pub(super) async fn prepare_set_up(
        &self,
        link: &Token,
        username: &Username,
        display_name: &DisplayName,
        email: Option<Email>,
    ) -> Result<(Value, CeremonyPurpose), CeremonyError> {
        let (link, now) = (link.hash(), self.clock.now());
        self.database
            .read(move |conn| users::open_set_up(conn, &link, now))
            .await?;
        let id = UserId::random();
        let (options, state) = self.party.creation_options(
            id,
            username.as_str(),
            display_name.as_str(),
            Vec::new(),
        )?;
        let person = JoinRequest {
            id,
            username: Some(username.as_str().to_owned()),
            display_name: Some(display_name.as_str().to_owned()),
            email: email.map(|email| email.as_str().to_owned()),
        };
        let right = Registration::SetUp(link.to_text(), person);
        Ok((options, CeremonyPurpose::Register(right, state)))
    }

    pub(super) async fn prepare_join(
        &self,
        link: &Token,
        username: Option<Username>,
        display_name: Option<DisplayName>,
    ) -> Result<(Value, CeremonyPurpose), CeremonyError> {
        let (link, now) = (link.hash(), self.clock.now());
        let chosen = username.as_ref().map(|name| name.as_str().to_owned());
        let (invitation, user, excluded_credentials) = self
            .database
            .read(move |conn| {
                let (invitation, user) = users::open_invitation(conn, &link, now)?;
                let excluded_credentials = match &user {
                    Some(user) => queries::list_live_credential_ids(conn, user.id)?,
                    None => {
                        let chosen = chosen.as_deref().ok_or(JoinError::UsernameMissing)?;
                        users::require_unused_username(conn, chosen)?;
                        Vec::new()
                    }
                };
                Ok::<_, CeremonyError>((invitation, user, excluded_credentials))
            })
            .await?;
        let display_name = display_name.map(|name| name.as_str().to_owned());
        let person = match &user {
            // The request can't change the username of an existing user.
            Some(user) => JoinRequest {
                id: user.id,
                username: Some(user.username.clone()),
                display_name: display_name.filter(|_| user.status == UserStatus::Invited),
                email: None,
            },
            None => JoinRequest {
                id: UserId::random(),
                username: username.map(|name| name.as_str().to_owned()),
                display_name: display_name.or(invitation.display_name),
                email: None,
            },
        };
        let name = person.username.clone().unwrap_or_default();
        let shown = person
            .display_name
            .clone()
            .or_else(|| user.map(|user| user.display_name))
            .unwrap_or_else(|| name.clone());
        let (options, state) =
            self.party
                .creation_options(person.id, &name, &shown, excluded_credentials)?;
        let right = Registration::Join(link.to_text(), person);
        Ok((options, CeremonyPurpose::Register(right, state)))
    }

    pub(super) async fn prepare_add(
        &self,
        session: LiveSession,
    ) -> Result<(Value, CeremonyPurpose), CeremonyError> {
        let user = session.user;
        let (record, excluded_credentials) = self
            .database
            .read(move |conn| {
                let record = account_state::find_record(conn, user)?;
                let excluded_credentials = queries::list_live_credential_ids(conn, user)?;
                Ok::<_, CeremonyError>((
                    record.ok_or(CeremonyError::SessionOver)?,
                    excluded_credentials,
                ))
            })
            .await?;
        if excluded_credentials.len() >= MAX_PASSKEYS {
            return Err(CeremonyError::TooMany);
        }
        let (options, state) = self.party.creation_options(
            user,
            &record.username,
            &record.display_name,
            excluded_credentials,
        )?;
        let right = Registration::Add(user, session.id);
        Ok((options, CeremonyPurpose::Register(right, state)))
    }
}
