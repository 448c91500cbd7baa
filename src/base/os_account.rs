//! Operating system account and host of this process, recorded as the operator of commands.

use std::os::unix::fs::MetadataExt;
use std::sync::LazyLock;

/// Maximum length of the account, in characters.
const MAX_LEN: usize = 200;

/// Returns `user@host` of this process; a part that can't be determined is `unknown`.
pub fn process_account() -> &'static str {
    static ACCOUNT: LazyLock<String> = LazyLock::new(|| account(user(), host()));
    &ACCOUNT
}

fn account(user: Option<String>, host: Option<String>) -> String {
    let told = |part: Option<String>| part.unwrap_or_else(|| "unknown".to_owned());
    let account = format!("{}@{}", told(user), told(host));
    let printable = account.chars().filter(|letter| !letter.is_control());
    printable.take(MAX_LEN).collect()
}

/// Returns the user's name, or the user ID if it has no name. Environment variables are not used, because the caller
/// can set them.
fn user() -> Option<String> {
    let id = std::fs::metadata("/proc/self").ok()?.uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(name_of(id, &users).unwrap_or_else(|| id.to_string()))
}

fn name_of(id: u32, users: &str) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?;
        (number.parse() == Ok(id)).then(|| name.to_owned())
    })
}

fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_os_account_is_a_user_and_a_machine() {
        let users = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\nbroken\n";
        assert_eq!(name_of(1000, users).as_deref(), Some("ada"));
        assert_eq!(name_of(7, users), None);
        assert_eq!(account(Some("ada".into()), None), "ada@unknown");
        let long = account(Some("a\nb".into()), Some("x".repeat(300)));
        assert!(
            long.starts_with("ab@xxx") && long.len() == MAX_LEN,
            "{long}"
        );
        assert!(process_account().contains('@'));
    }
}
