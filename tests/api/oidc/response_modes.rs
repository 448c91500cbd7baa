//! Where the parameters of the response are: in the query, in the fragment, or in a form.

use std::collections::HashMap;

use serde_json::json;

use crate::on_both;
use crate::support::http::Answer;
use crate::support::relying_party::{CALLBACK, TokenSet};
use doorward::clients::RedirectUri;

/// Returns the parameters in the fragment of the redirect URI; its query is as registered.
fn in_fragment(answer: &Answer, registered: &str) -> HashMap<String, String> {
    assert_eq!(answer.status, 303, "{answer:?}");
    let location = answer.header("location").expect("a location");
    let (address, fragment) = location.split_once('#').expect("a fragment");
    assert_eq!(address, registered);
    url::form_urlencoded::parse(fragment.as_bytes())
        .into_owned()
        .collect()
}

on_both! {
    fn code_and_error_are_in_the_fragment_with_response_mode_fragment(server) {
        let root = server.administrator();
        let with_query = "https://app.example/callback?tenant=1";
        let app = server.relying_party(|metadata| {
            metadata.redirect_uris.push(RedirectUri::parse(with_query).expect("a redirect URI"));
        });
        let fragment = ("response_mode", "fragment");
        let state = ("state", "a b&c#d");
        let sent = in_fragment(&app.authorize(&root.browser, &[fragment, state]), CALLBACK);
        assert_eq!((sent["state"].as_str(), sent["iss"].as_str()), ("a b&c#d", server.origin()));
        TokenSet::read(&app.redeem(&sent["code"]));
        let refused = in_fragment(&app.authorize(&root.browser, &[fragment, state, ("prompt", "x")]), CALLBACK);
        assert_eq!((refused["error"].as_str(), refused["state"].as_str()), ("invalid_request", "a b&c#d"));
        let sent = in_fragment(&app.authorize(&root.browser, &[fragment, ("redirect_uri", with_query)]), with_query);
        assert!(sent.contains_key("code"));
        // Also if the request waited for its user.
        let stranger = server.browser();
        let none = in_fragment(&app.authorize(&stranger, &[fragment, ("prompt", "none")]), CALLBACK);
        assert_eq!(none["error"], "login_required");
        let discovery = server.browser().get("/.well-known/openid-configuration").json();
        assert_eq!(discovery["response_modes_supported"], json!(["query", "fragment", "form_post"]));
    }

    fn an_unsupported_response_mode_is_refused_in_the_query(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        for mode in ["Fragment", "fragment query", "web_message", "jwt", "fragment.jwt"] {
            let refused = app.authorize(&root.browser, &[("response_mode", mode)]);
            let sent = crate::support::relying_party::redirect_parameters(&refused);
            assert_eq!((sent["error"].as_str(), sent.get("code")), ("invalid_request", None), "{mode}");
        }
    }
}
