//! A checkbox for each role that a user may assign, for `parts/role_boxes.html`.

use std::collections::{BTreeSet, HashMap};

use crate::users::{ManagementRights, Role, Users};
use crate::web::{Frame, Problem};

/// Maximum number of roles with a checkbox; the API and the command line offer all roles.
const MAX_BOXES: usize = 500;

/// The checkbox of a role.
#[derive(Debug)]
pub(super) struct RoleBox {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) is_checked: bool,
}

/// The roles whose checkboxes, named `role:NAME`, are checked.
pub(super) fn checked(sent: &HashMap<String, String>) -> BTreeSet<String> {
    let boxes = sent.keys().filter_map(|name| name.strip_prefix("role:"));
    boxes.map(str::to_owned).collect()
}

/// The checkboxes of the registered roles that `rights` allows to assign, and of all checked roles.
pub(super) async fn boxes(
    frame: &Frame,
    users: &Users,
    rights: &ManagementRights,
    checked: &BTreeSet<String>,
) -> Result<Vec<RoleBox>, Problem> {
    let roles = users.list_roles(None, MAX_BOXES).await?.items;
    let mut boxes: Vec<RoleBox> = roles
        .into_iter()
        .filter(|role| rights.may_assign_role(&role.name))
        .map(|role| to_box(frame, role, checked))
        .collect();
    // A checked role without a checkbox would be removed when the form is submitted.
    for name in checked {
        if boxes.iter().all(|shown| shown.name != *name) {
            boxes.push(RoleBox {
                name: name.clone(),
                description: String::new(),
                is_checked: true,
            });
        }
    }
    Ok(boxes)
}

fn to_box(frame: &Frame, role: Role, checked: &BTreeSet<String>) -> RoleBox {
    RoleBox {
        is_checked: checked.contains(&role.name),
        description: if role.is_built_in() {
            let place = [("place", frame.installation_name.as_str())];
            frame.text_with("admin_users.as_administrator", &place)
        } else {
            role.description
        },
        name: role.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkboxes_name_the_roles() {
        let sent = |fields: &[(&str, &str)]| -> HashMap<String, String> {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            fields.iter().map(own).collect()
        };
        let by_boxes = checked(&sent(&[
            ("role:shop:clerk", "yes"),
            ("role:cook", "yes"),
            ("version", "3"),
        ]));
        assert_eq!(
            by_boxes.into_iter().collect::<Vec<_>>(),
            ["cook", "shop:clerk"]
        );
        assert!(checked(&sent(&[("username", "x"), ("roles", "cook")])).is_empty());
    }
}
