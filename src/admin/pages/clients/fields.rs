//! The fields of the client form, their kinds and their sections.

/// How a field of a client is written in a form.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A text, possibly empty.
    Text,
    /// A text; nothing if it is empty.
    Optional,
    /// Entries, one per line.
    Lines,
    /// Entries separated by spaces.
    Words,
    /// A number; nothing if it is empty.
    Number,
    /// A secret, which no page contains and the form does not store.
    Secret,
    /// A checkbox: yes or no.
    Checkbox,
    /// One of these values.
    Choice(&'static [&'static str]),
    /// One of these values, or none.
    OptionalChoice(&'static [&'static str]),
    /// Any of these values: pairs of the name of a checkbox and the value.
    Checkboxes(&'static [(&'static str, &'static str)]),
}

/// A field under its name in the client metadata (RFC 7591).
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

/// A section of the form. Its heading is the text `client_section.{key}`.
pub(super) struct Section {
    pub(super) key: &'static str,
    pub(super) fields: &'static [Field],
}

const ACRS: &[&str] = &["phr", "urn:doorward:acr:device-bound", "phrh"];

/// All sections. The first one has what nearly every client needs, and is the only one that is open at first.
pub(super) const SECTIONS: [Section; 6] = [
    Section {
        key: "app",
        fields: &[
            field("client_name", Kind::Text),
            field("redirect_uris", Kind::Lines),
            field("post_logout_redirect_uris", Kind::Lines),
            field("application_type", Kind::Choice(&["web", "native"])),
            field(
                "token_endpoint_auth_method",
                Kind::OptionalChoice(&["client_secret_basic", "client_secret_post", "none"]),
            ),
            field(
                "grant_types",
                Kind::Checkboxes(&[
                    ("grant_authorization_code", "authorization_code"),
                    ("grant_refresh_token", "refresh_token"),
                    ("grant_client_credentials", "client_credentials"),
                ]),
            ),
            field("scope", Kind::Text),
            field("require_consent", Kind::Checkbox),
        ],
    },
    Section {
        key: "users",
        fields: &[
            field("allowed_roles", Kind::Words),
            field("least_acr", Kind::OptionalChoice(ACRS)),
            field("default_acr_values", Kind::Words),
            field("default_max_age", Kind::Number),
        ],
    },
    Section {
        key: "logout",
        fields: &[
            field("backchannel_logout_uri", Kind::Optional),
            field("backchannel_logout_session_required", Kind::Checkbox),
            field("backchannel_logout_without_sid", Kind::Checkbox),
        ],
    },
    Section {
        key: "tokens",
        fields: &[
            field("require_pkce", Kind::Choice(&["auto", "true", "false"])),
            field("pkce_used", Kind::Checkbox),
            field("rotate_refresh_tokens", Kind::Checkbox),
            field("claims_in_id_token", Kind::Checkbox),
            field(
                "id_token_signed_response_alg",
                Kind::Choice(&["RS256", "ES256", "EdDSA"]),
            ),
            field("access_token_format", Kind::Choice(&["jwt", "opaque"])),
            field("access_token_header_type", Kind::Choice(&["at+jwt", "JWT"])),
            field("access_token_lifetime", Kind::Number),
            field("id_token_lifetime", Kind::Number),
            field("refresh_token_lifetime", Kind::Number),
            field("offline_lifetime", Kind::Number),
            field("offline_idle_timeout", Kind::Number),
            field("allowed_origins", Kind::Lines),
            field("resources", Kind::Lines),
            field("userinfo_audience", Kind::Checkbox),
            field("audiences", Kind::Lines),
        ],
    },
    Section {
        key: "links",
        fields: &[
            field("client_uri", Kind::Optional),
            field("policy_uri", Kind::Optional),
            field("tos_uri", Kind::Optional),
        ],
    },
    Section {
        key: "management",
        fields: &[field("managed_by", Kind::Lines)],
    },
];

/// Fields that can only be set at registration.
pub(super) const CHOSEN: Section = Section {
    key: "chosen",
    fields: &[
        field("client_id", Kind::Optional),
        field("client_secret", Kind::Secret),
    ],
};

/// All fields of an existing client.
pub(super) fn all() -> impl Iterator<Item = &'static Field> {
    SECTIONS.iter().flat_map(|section| section.fields)
}
