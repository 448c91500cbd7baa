//! Tests of loading: what a folder must contain, and what happens when it changes.

use super::*;

#[test]
fn policies_are_validated_against_the_schema() {
    let schema = r"
        entity order { owner?: String };
        action reading;
        action view in [reading] appliesTo { principal: [User], resource: [order], context: Doorward::Context };
    ";
    let good = r#"permit (principal is User, action in [Action::"reading"], resource is order)
        when { resource has owner && resource.owner == principal.username };"#;
    let folder = Folder::of(&[("a.cedar", good), ("own.cedarschema", schema)]);
    assert_eq!(folder.policies.fault(), None);
    assert_eq!(folder.policies.actions(), ["reading", "view"]);
    let mut input = input(person(&[], None));
    input.attributes = object(&json!({"owner": "ada"}));
    assert!(is_allowed(&folder, &input));
    let bad = "\npermit (principal is User, action == Action::\"view\", resource is order)\nwhen { resource.ownr == principal.username };";
    let folder = Folder::of(&[("a.cedar", bad), ("own.cedarschema", schema)]);
    assert!(
        folder.fault().starts_with("a.cedar:3:"),
        "{}",
        folder.fault()
    );
    assert!(!is_allowed(&folder, &input));
    let folder = Folder::of(&[("own.cedarschema", "entity order {\n  owner: Text };")]);
    assert!(
        folder.fault().starts_with("own.cedarschema:2:"),
        "{}",
        folder.fault()
    );
    let folder = Folder::of(&[("own.cedarschema", "entity User;")]);
    assert!(folder.fault().contains("User"), "{}", folder.fault());
}

#[test]
fn undeclared_entities_are_denied_with_the_reason() {
    let permit = "permit (principal, action, resource);";
    let schema = r"
        entity order, parcel;
        action reading;
        action view in [reading] appliesTo { principal: [User], resource: [order], context: Doorward::Context };
        action greet appliesTo { principal: [User, ExternalSubject], resource: [order], context: Doorward::Context };
    ";
    let open = policies(permit);
    let held = Folder::of(&[("a.cedar", permit), ("own.cedarschema", schema)]);
    assert_eq!(held.policies.fault(), None);
    let known = person(&["clerk"], None);
    let stranger = Subject::ExternalSubject {
        kind: "order".into(),
        id: "7".into(),
    };
    for (subject, action, kind, reason) in [
        (&known, "view", "order", None),
        (&known, "greet", "order", None),
        (&stranger, "greet", "order", None),
        (
            &known,
            "view",
            "pallet",
            Some("pallet is not an entity type of the schema"),
        ),
        (
            &known,
            "view",
            "Shop::order",
            Some("Shop::order is not an entity type of the schema"),
        ),
        (
            &known,
            "burn",
            "order",
            Some("burn is not an action of the schema"),
        ),
        (
            &known,
            "view",
            "parcel",
            Some("view does not apply to parcel"),
        ),
        (
            &known,
            "reading",
            "order",
            Some("reading does not apply to User"),
        ),
        (
            &stranger,
            "view",
            "order",
            Some("view does not apply to ExternalSubject"),
        ),
    ] {
        let asked = DecisionInput {
            action: action.into(),
            resource: ResourceName::parse(kind, "7").expect("a name"),
            ..input(subject.clone())
        };
        assert!(is_allowed(&open, &asked), "{action} {kind}");
        let decision = ask(&held, &asked);
        assert_eq!(decision.is_allowed, reason.is_none(), "{decision:?}");
        let told = decision.errors.join("\n");
        assert_eq!(told.is_empty(), reason.is_none(), "{told}");
        assert!(told.ends_with(reason.unwrap_or_default()), "{told}");
    }
}

#[test]
fn ineffective_and_invalid_policies_are_refused_with_their_position() {
    for (text, place, reason) in [
        ("permit (principal, action, resource)", "a.cedar:1:", ""),
        ("\n permit (principal, acton, resource);", "a.cedar:2:", ""),
        (
            "permit (principal == ?principal, action, resource);",
            "a.cedar:1:1",
            "template",
        ),
        (
            "permit (principal, action, resource) when { ipp(\"1\") };",
            "a.cedar:1:",
            "ipp",
        ),
        (
            "@id(\"b.cedar:1\") permit (principal, action, resource);",
            "b.cedar:1:1",
            "already",
        ),
        (
            "@id(\"x\")\n@id(\"x\")\npermit (principal, action, resource);",
            "a.cedar:2:",
            "",
        ),
    ] {
        assert_refused(text, place, reason);
    }
}

#[test]
fn a_scope_that_matches_no_request_is_refused_with_its_position() {
    for (text, place, reason) in [
        (
            "\n\nforbid (principal is Outside, action, resource);",
            "a.cedar:3:1",
            "ExternalSubject",
        ),
        (
            "forbid (principal in Rol::\"x\", action, resource);",
            "a.cedar:1:1",
            "Role",
        ),
        (
            "forbid (principal == User::\"ada\", action, resource);",
            "a.cedar:1:1",
            "username",
        ),
        (
            "forbid (principal == User::\"00000000-0000-4000-8000-00000000000A\", action, resource);",
            "a.cedar:1:1",
            "lower-case UUID",
        ),
        (
            "forbid (principal in Client::\"shop\", action, resource);",
            "a.cedar:1:1",
            "client_id",
        ),
        (
            "forbid (principal, action in [], resource);",
            "a.cedar:1:1",
            "empty list",
        ),
        (
            "forbid (principal, action == Action::\"\", resource);",
            "a.cedar:1:1",
            "256",
        ),
        (
            "forbid (principal, action, resource == order::\"\");",
            "a.cedar:1:1",
            "invalid resource ID",
        ),
        (
            "forbid (principal == ExternalSubject::\"ada\", action, resource);",
            "a.cedar:1:1",
            "type:id",
        ),
        (
            "forbid (principal is Client in Role::\"clerk\", action, resource);",
            "a.cedar:1:1",
            "only a User",
        ),
        (
            "forbid (principal, action, resource in folder::\"x\");",
            "a.cedar:1:1",
            "resources have no parents",
        ),
        (
            "forbid (principal, action, resource is order in folder::\"x\");",
            "a.cedar:1:1",
            "resources have no parents",
        ),
        (
            "forbid (principal, action == Shop::Action::\"x\", resource);",
            "a.cedar:1:1",
            "namespace",
        ),
        (
            "forbid (principal, action, resource is User);",
            "a.cedar:1:1",
            "reserved",
        ),
    ] {
        assert_refused(text, place, reason);
    }
}

fn assert_refused(text: &str, place: &str, reason: &str) {
    let anybody = "permit (principal, action, resource);";
    let folder = Folder::of(&[("a.cedar", text), ("b.cedar", anybody)]);
    let fault = folder.fault();
    assert!(
        fault.starts_with(place) && fault.contains(reason),
        "{text}: {fault}"
    );
    assert!(!fault.contains('\n'));
    assert!(!folder.policies.are_in_force());
    assert!(!is_allowed(&folder, &input(person(&[], None))));
}

#[test]
fn an_invalid_policy_set_keeps_the_previous_one_in_effect() {
    let folder = policies("permit (principal, action, resource);");
    let asked = input(person(&[], None));
    let snapshot = || {
        folder.policies.watch();
        folder.policies.watch();
    };
    folder.write("b.cedar", "forbid (principal, action, resourc);");
    folder.policies.watch();
    assert_eq!(folder.policies.fault(), None, "it may be half written");
    folder.policies.watch();
    assert!(folder.fault().starts_with("b.cedar:1:"));
    assert!(is_allowed(&folder, &asked) && folder.policies.are_in_force());
    folder.write("b.cedar", "forbid (principal, action, resource);");
    snapshot();
    assert_eq!(folder.policies.fault(), None);
    assert!(!is_allowed(&folder, &asked));
    std::fs::remove_file(folder.folder.path().join("b.cedar")).expect("removed");
    snapshot();
    assert!(is_allowed(&folder, &asked));
    std::os::unix::fs::symlink("nowhere", folder.folder.path().join("c.cedar")).expect("a link");
    snapshot();
    assert!(folder.fault().starts_with("c.cedar: "));
    assert!(is_allowed(&folder, &asked));
}

#[test]
fn a_folder_that_changes_while_it_is_read_is_loaded_atomically() {
    let forbid = "forbid (principal, action, resource);";
    let folder = Folder::of(&[
        ("a.cedar", "permit (principal, action, resource);"),
        ("b.cedar", forbid),
    ]);
    let asked = input(person(&[], None));
    let removed =
        |name: &str| std::fs::remove_file(folder.folder.path().join(name)).expect("removed");
    let assert_policies_in_effect = |count: usize| {
        assert_eq!(folder.policies.fault(), None);
        assert_eq!(folder.policies.count(), count);
        assert!(!is_allowed(&folder, &asked));
    };
    assert_policies_in_effect(2);
    // The files are replaced one by one, and read while one of them is missing.
    let snapshot = folder.policies.snapshot();
    folder.policies.reload_with(snapshot, |policies, schema| {
        removed("b.cedar");
        let half = policy_folder::read(policies, schema);
        folder.write("b.cedar", &format!("{forbid}\n{forbid}"));
        let (sources, _) = half.as_ref().expect("the remaining file");
        assert_eq!(sources.policies.len(), 1);
        half
    });
    assert_policies_in_effect(2);
    // The file is deleted between the listing and the read.
    let snapshot = folder.policies.snapshot();
    folder.policies.reload_with(snapshot, |_, _| {
        removed("b.cedar");
        Err(PolicyFault::of_file("b.cedar", "is not there"))
    });
    assert_policies_in_effect(2);
    // The folder is stable again, so it is read.
    folder.write("b.cedar", &format!("{forbid}\n{forbid}"));
    folder.policies.watch();
    assert_policies_in_effect(2);
    folder.policies.watch();
    assert_policies_in_effect(3);
}

#[test]
fn symbolic_links_of_a_mounted_config_map_are_followed() {
    let folder = Folder::of(&[]);
    let asked = input(person(&[], None));
    assert!(folder.policies.are_in_force() && !is_allowed(&folder, &asked));
    let path = folder.folder.path();
    std::fs::create_dir(path.join("..1")).expect("a folder");
    std::fs::write(
        path.join("..1/a.cedar"),
        "permit (principal, action, resource);",
    )
    .expect("a file");
    std::os::unix::fs::symlink("..1", path.join("..data")).expect("a link");
    std::os::unix::fs::symlink("..data/a.cedar", path.join("a.cedar")).expect("a link");
    folder.policies.watch();
    folder.policies.watch();
    assert!(is_allowed(&folder, &asked));
}
