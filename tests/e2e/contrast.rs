//! Buttons have enough contrast in every state (normal, hovered, focused, pressed, waiting, disabled), in light and dark,
//! on every background.

use serde_json::{Value, json};

use super::Visitor;
use crate::support::browser::Chromium;
use crate::support::test_server::TestServer;

const KINDS: [&str; 7] = [
    "button",
    "button wide",
    "button primary",
    "button danger",
    "link",
    "link danger",
    "",
];

/// Minimum contrast (WCAG 2.2 §1.4.3).
const MIN_CONTRAST: f64 = 4.5;

/// Adds a button of each class and state to each background, and returns their names.
const BUILD: &str = r#"
(kinds => {
    const grounds = [["main", document.querySelector("main")], ["card", document.createElement("section")], ["panel", document.createElement("section")]];
    grounds.slice(1).forEach(([name, ground]) => { ground.className = name; document.querySelector("main").append(ground); });
    const bar = document.createElement("header");
    bar.className = "bar";
    bar.append(document.createElement("nav"));
    document.body.prepend(bar);
    let count = 0;
    const add = (where, kind, name) => {
        for (const state of ["", "busy", "disabled"]) {
            const button = document.createElement("button");
            button.className = kind;
            button.id = `probe-${count++}`;
            button.title = `${kind || "navigation"} on ${name} ${state}`;
            button.textContent = "Continue";
            if (state === "busy") button.setAttribute("aria-busy", "true");
            if (state === "disabled") button.disabled = true;
            where.append(button);
        }
    };
    for (const [name, ground] of grounds) kinds.filter(kind => kind).forEach(kind => add(ground, kind, name));
    add(bar.firstChild, "", "bar");
    return count;
})
"#;

/// Computes the contrast between a button's text and its background, as painted.
const CONTRAST: &str = r#"
(id => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const button = document.getElementById(id);
    const chain = [];
    for (let part = button; part; part = part.parentElement) chain.unshift(getComputedStyle(part).backgroundColor);
    const paint = colours => {
        canvas.fillStyle = "white";
        canvas.fillRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data, byte => {
            const part = byte / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(button);
    const [behind, words] = [paint(chain), paint([...chain, style.color])];
    const [light, dark] = [Math.max(behind, words), Math.min(behind, words)];
    return { ratio: (light + 0.05) / (dark + 0.05), what: button.title, opacity: Number(style.opacity) };
})
"#;

fn node(visitor: &Visitor, root: &Value, id: &str) -> Value {
    let found = visitor.page.call(
        "DOM.querySelector",
        json!({ "nodeId": root, "selector": format!("#{id}") }),
    );
    found["nodeId"].clone()
}

#[test]
fn every_button_is_readable_in_every_state() {
    let server = TestServer::embedded();
    let visitor = Visitor::new(&Chromium::launch());
    visitor.page.goto(&format!("{}/lost", server.origin()));
    let count = visitor
        .page
        .evaluate(&format!("{BUILD}({})", json!(KINDS)))
        .as_u64()
        .expect("a count");
    assert_eq!(
        count, 57,
        "six kinds on three grounds, and the navigation, in three states"
    );
    visitor.page.call("DOM.enable", json!({}));
    visitor.page.call("CSS.enable", json!({}));
    let document = visitor.page.call("DOM.getDocument", json!({ "depth": 0 }));
    let root = &document["root"]["nodeId"];
    let mut faults = Vec::new();
    for dark in [false, true] {
        visitor.page.set_dark(dark);
        for number in 0..count {
            let id = format!("probe-{number}");
            let node = node(&visitor, root, &id);
            for forced in [
                &[][..],
                &["hover"],
                &["focus", "focus-visible"],
                &["active", "hover"],
                &["hover", "focus", "focus-visible"],
            ] {
                visitor.page.call(
                    "CSS.forcePseudoState",
                    json!({ "nodeId": node, "forcedPseudoClasses": forced }),
                );
                let seen = visitor.page.evaluate(&format!("{CONTRAST}({})", json!(id)));
                let ratio = seen["ratio"].as_f64().expect("a ratio");
                if ratio < MIN_CONTRAST || seen["opacity"] != json!(1) {
                    let colours = if dark { "dark" } else { "light" };
                    faults.push(format!(
                        "{ratio:.2}: {} {forced:?}, {colours}",
                        seen["what"]
                    ));
                }
            }
            visitor.page.call(
                "CSS.forcePseudoState",
                json!({ "nodeId": node, "forcedPseudoClasses": [] }),
            );
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}
