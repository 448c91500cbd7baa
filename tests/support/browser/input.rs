//! Mouse and keyboard input.

use serde_json::{Value, json};

use super::Page;

impl Page {
    /// Clicks the centre of the first element that matches a selector, once it is visible, enabled and uncovered.
    pub fn click(&self, selector: &str) {
        self.click_on(
            &format!("document.querySelector({})", json!(selector)),
            selector,
        );
    }

    /// Clicks the button or link with exactly this text.
    pub fn click_text(&self, text: &str) {
        let find = format!(
            "[...document.querySelectorAll('button, a, summary, [role=button], [role=link], input[type=submit]')]\
             .find(element => element.checkVisibility() \
             && (element.innerText || element.value || '').replace(/\\s+/g, ' ').trim() === {})",
            json!(text)
        );
        self.click_on(&find, &format!("button or link {text:?}"));
    }

    /// Focuses a field and replaces its content; an empty text clears it.
    pub fn fill(&self, selector: &str, value: &str) {
        let focus = format!(
            "(() => {{
                const field = document.querySelector({});
                if (!field || field.disabled || field.readOnly) return false;
                field.scrollIntoView({{block: 'center', behavior: 'instant'}});
                field.focus();
                field.select?.();
                return document.activeElement === field;
            }})()",
            json!(selector)
        );
        self.wait_for(&focus);
        if value.is_empty() {
            self.press("Backspace");
        } else {
            self.call("Input.insertText", json!({"text": value}));
        }
    }

    /// Presses a key, given by its name in `KeyboardEvent.key` or the character it types; `Shift+Tab` holds the shift key.
    pub fn press(&self, key: &str) {
        let (shift, key) = key.strip_prefix("Shift+").map_or((0, key), |key| (8, key));
        let event = key_event(key);
        for (kind, has_text) in [("keyDown", true), ("keyUp", false)] {
            let mut params = event.clone();
            params["type"] = kind.into();
            params["modifiers"] = shift.into();
            if !has_text && let Some(members) = params.as_object_mut() {
                members.remove("text");
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    fn click_on(&self, find: &str, name: &str) {
        let locate = format!(
            "(() => {{
                const element = {find};
                if (!element || element.disabled) return null;
                element.scrollIntoView({{block: 'center', inline: 'center', behavior: 'instant'}});
                const box = element.getBoundingClientRect();
                if (!box.width || !box.height) return null;
                const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                const hit = document.elementFromPoint(x, y);
                return hit && (element.contains(hit) || hit.closest('label')?.control === element) ? [x, y] : null;
            }})()"
        );
        let mut before = Value::Null;
        // The element must be at the same position twice, because a click on a moving element could miss.
        let point = self.wait_until(&format!("{name} cannot be clicked"), || {
            let now = self.try_evaluate(&locate, super::BOUND).unwrap_or_default();
            let rests = !now.is_null() && now == before;
            before = now;
            rests.then(|| before.clone())
        });
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({
                "type": kind, "x": point[0], "y": point[1], "button": button, "buttons": buttons, "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", event);
        }
    }
}

/// Returns the members of `Input.dispatchKeyEvent` that identify the key.
fn key_event(key: &str) -> Value {
    let (code, number, text) = match key {
        "Tab" => ("Tab", 9, None),
        "Enter" => ("Enter", 13, Some("\r")),
        "Escape" => ("Escape", 27, None),
        "Backspace" => ("Backspace", 8, None),
        "Delete" => ("Delete", 46, None),
        "ArrowLeft" => ("ArrowLeft", 37, None),
        "ArrowUp" => ("ArrowUp", 38, None),
        "ArrowRight" => ("ArrowRight", 39, None),
        "ArrowDown" => ("ArrowDown", 40, None),
        "Home" => ("Home", 36, None),
        "End" => ("End", 35, None),
        " " => ("Space", 32, Some(" ")),
        character => {
            assert_eq!(character.chars().count(), 1, "no such key: {character}");
            ("", 0, Some(character))
        }
    };
    let mut event = json!({"key": key, "code": code, "windowsVirtualKeyCode": number});
    if let Some(text) = text {
        event["text"] = text.into();
    }
    event
}
