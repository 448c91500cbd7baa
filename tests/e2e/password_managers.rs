//! Password managers that replace `navigator.credentials` and deviate from WebAuthn.

use serde_json::json;

use super::Visitor;
use crate::on_both;
use crate::support::browser::Chromium;

/// Installs a script that runs before the scripts of every page.
fn install(visitor: &Visitor, source: &str) {
    let script = json!({ "source": source });
    visitor
        .page
        .call("Page.addScriptToEvaluateOnNewDocument", script);
}

/// The first calls never settle, even if they are aborted.
const NEVER_SETTLES: &str = "
    const native = navigator.credentials.get.bind(navigator.credentials);
    window.calls = 0;
    navigator.credentials.get = (options) => (window.calls += 1) > HANGING ? native(options) : new Promise(() => {});
";

/// Returns plain objects without methods, with typed arrays in place of buffers.
const PLAIN_OBJECTS: &str = "
    const fields = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];
    for (const name of ['create', 'get']) {
        const native = navigator.credentials[name].bind(navigator.credentials);
        navigator.credentials[name] = async (options) => {
            const { id, rawId, type, response } = await native(options);
            const bytes = fields.filter((field) => response[field]).map((field) => [field, new Uint8Array(response[field])]);
            return { id, rawId: new Uint8Array(rawId), type, response: Object.fromEntries(bytes) };
        };
    }
";

on_both! {
    fn a_call_that_never_settles_after_an_abort_does_not_block_the_button(server) {
        let root = server.administrator();
        let chromium = Chromium::launch();
        // First only the conditional call of the field hangs, then also the first call of the button.
        for hanging in [1, 2] {
            let visitor = Visitor::new(&chromium);
            install(&visitor, &NEVER_SETTLES.replace("HANGING", &hanging.to_string()));
            let invitation = json!({ "username": format!("user{hanging}"), "display_name": "Ada" });
            visitor.join(&crate::e2e::invitation(&root, &invitation));
            visitor.page.click_text("Sign out");
            visitor.wait_for_path("/login");
            for called in 1..=hanging {
                visitor.page.wait_for(&format!("window.calls === {called}"));
                visitor.page.click("#sign-in-button");
            }
            visitor.wait_for_path("/account");
            visitor.assert_clean();
        }
    }

    fn a_browser_that_never_says_whether_it_can_offer_passkeys_does_not_block_the_button(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        install(&visitor, "PublicKeyCredential.isConditionalMediationAvailable = () => { window.asked = true; return new Promise(() => {}); };");
        visitor.page.click_text("Sign out");
        visitor.wait_for_path("/login");
        visitor.page.wait_for("window.asked");
        visitor.page.click("#sign-in-button");
        visitor.wait_for_path("/account");
        visitor.assert_clean();
    }

    fn a_credential_without_to_json_is_converted_manually(server) {
        let root = server.administrator();
        let chromium = Chromium::launch();
        let oddities = [
            "delete PublicKeyCredential.prototype.toJSON;",
            "PublicKeyCredential.prototype.toJSON = () => { throw new TypeError('Illegal invocation'); };",
            "PublicKeyCredential.prototype.toJSON = () => ({ id: 'x' });",
            "PublicKeyCredential.parseCreationOptionsFromJSON = () => { throw new TypeError('no'); };
             PublicKeyCredential.parseRequestOptionsFromJSON = undefined;",
            PLAIN_OBJECTS,
        ];
        for (number, oddity) in oddities.into_iter().enumerate() {
            let visitor = Visitor::new(&chromium);
            install(&visitor, oddity);
            let invitation = json!({ "username": format!("user{number}"), "display_name": "Ada" });
            visitor.join(&crate::e2e::invitation(&root, &invitation));
            visitor.page.click_text("Sign out");
            // The field signs in, because the authenticator responds.
            visitor.wait_for_path("/account");
            assert_eq!(visitor.fetch("/v1/session")["status"], 200, "{oddity}");
            visitor.assert_clean();
        }
    }
}
