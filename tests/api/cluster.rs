//! Two instances and restarts: sessions continue, and revoked sessions stay revoked.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::binary;
use crate::support::test_user::{TestUser, assertion, register, session_status};

on_both! {
    fn a_session_works_on_every_instance_and_survives_restarts(server) {
        let second = server.another_instance();
        let mut root = server.administrator();
        let browser = server.browser().at_port(server.port(second));
        assert_eq!(root.sign_in_at(&browser).status, 200);
        server.restart(0);
        server.restart(second);
        assert_eq!(root.session_status(), 200);
        assert_eq!(session_status(&browser), 200);
        assert_eq!(session_status(&browser.at_port(server.port(0))), 200);
    }

    fn a_ceremony_in_progress_survives_a_restart(server) {
        let mut root = server.administrator();
        let browser = server.browser();
        let finish = assertion(&browser, &mut root.device, &Overrides::default());
        server.restart(0);
        assert_eq!(browser.post_json("/webauthn/login/finish", &finish).status, 200);
    }

    fn a_ceremony_started_on_one_instance_finishes_on_another(server) {
        let second = server.another_instance();
        let mut root = server.administrator();
        let browser = server.browser();
        let finish = assertion(&browser, &mut root.device, &Overrides::default());
        let elsewhere = browser.at_port(server.port(second));
        assert_eq!(elsewhere.post_json("/webauthn/login/finish", &finish).status, 200);
    }

    fn a_suspension_on_one_instance_refuses_the_next_request_on_another(server) {
        let second = server.another_instance();
        let port = server.port(second);
        let root = server.administrator();
        type Revocation = fn(&TestUser, &TestUser);
        let revocations: [(&str, Revocation); 3] = [
            ("revoked", |root, ada| {
                let path = format!("/v1/users/{}/passkeys/{}", ada.id, ada.passkey);
                assert_eq!(root.browser.delete(&path).status, 200);
            }),
            ("suspended", |root, ada| {
                let path = format!("/v1/users/{}/suspend", ada.id);
                assert_eq!(root.browser.post_json(&path, &json!({})).status, 200);
            }),
            ("ended", |root, ada| {
                let path = format!("/v1/users/{}/sessions", ada.id);
                assert_eq!(root.browser.delete(&path).status, 200);
            }),
        ];
        for (name, cut) in revocations {
            let ada = server.create_user(&root, name);
            let elsewhere = ada.browser.at_port(port);
            assert_eq!(session_status(&elsewhere), 200);
            cut(&root, &ada);
            assert_eq!(session_status(&elsewhere), 401, "{name}");
        }
    }

    fn a_suspension_by_the_command_refuses_the_next_request(server) {
        let second = server.another_instance();
        let root = server.administrator();
        type Arguments = fn(&TestUser) -> Vec<String>;
        let revocation_commands: [(&str, Arguments); 3] = [
            ("revoked", |ada| ["passkey", "revoke", &ada.passkey].map(str::to_owned).to_vec()),
            ("suspended", |ada| ["user", "suspend", &ada.username].map(str::to_owned).to_vec()),
            ("ended", |ada| ["session", "revoke", &ada.username].map(str::to_owned).to_vec()),
        ];
        for (name, arguments) in revocation_commands {
            let ada = server.create_user(&root, name);
            let elsewhere = ada.browser.at_port(server.port(second));
            assert_eq!(session_status(&elsewhere), 200);
            let arguments = arguments(&ada);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let ran = binary::run(&server.config, &arguments);
            assert_eq!(ran.code, 0, "{} {}", ran.output, ran.errors);
            assert_eq!(session_status(&elsewhere), 401, "{name}");
            assert_eq!(ada.session_status(), 401, "{name}");
        }
    }

    fn a_set_up_in_progress_survives_a_restart(server) {
        let token = server.set_up_token();
        let browser = server.browser();
        let mut device = SoftAuthenticator::synced(server.origin());
        let start = json!({ "setup": token, "username": "root", "display_name": "Root" });
        let begun = browser.post_json("/webauthn/register/start", &start).json();
        let credential = device.create(&begun["publicKey"], &Overrides::default());
        server.restart(0);
        let body = json!({ "ceremony": begun["ceremony"], "credential": credential });
        assert_eq!(browser.post_json("/webauthn/register/finish", &body).status, 201);
        assert_eq!(register(&browser, &mut device, &start, &Overrides::default()).status, 410);
    }

    fn a_new_master_key_keeps_sessions(server) {
        let root = server.administrator();
        let old = server.config.master_key_path();
        let new = old.with_extension("new");
        let key = doorward::base::secrets::MasterKey::generate();
        key.write_new(&new).expect("a key");
        server.config.secrets.master_key_file = Some(new);
        server.config.secrets.previous_master_key_file = Some(old);
        server.restart(0);
        let before = root.browser.cookie("doorward-session");
        assert_eq!(root.session_status(), 200);
        assert_ne!(root.browser.cookie("doorward-session"), before, "signed again");
        // After the replacement, the old key can be removed.
        server.config.secrets.previous_master_key_file = None;
        server.restart(0);
        assert_eq!(root.session_status(), 200);
        assert_eq!(root.browser.delete("/v1/session").status, 204);
    }
}
