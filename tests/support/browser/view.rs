//! Visual properties of a page: size, colour scheme, screenshots.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Page;

impl Page {
    /// Sets the size of the window in CSS pixels; `is_mobile` applies the viewport meta element, as phones do.
    pub fn set_viewport(&self, width: u32, height: u32, is_mobile: bool) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Sets the preferred colour scheme to dark or light.
    pub fn set_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Writes a PNG file of the whole page, including the part below the window.
    pub fn screenshot(&self, path: &Path) {
        let picture = self.call(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": true}),
        );
        let picture = STANDARD
            .decode(picture["data"].as_str().expect("a screenshot"))
            .expect("base64");
        fs::write(path, picture).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
