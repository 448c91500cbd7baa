//! QR codes of links, for the camera of another device.

use qrcode::QrCode;
use qrcode::render::svg;

use super::Problem;

/// Returns the QR code of `text` as an `<svg>` element for a page: without XML prolog and style attributes (which the
/// Content-Security-Policy forbids), with the quiet zone that readers need.
pub fn qr_svg(text: &str) -> Result<String, Problem> {
    let code = QrCode::new(text).map_err(|error| {
        tracing::error!(%error, "a link is too long for a QR code");
        Problem::internal()
    })?;
    let document = code.render::<svg::Color<'_>>().build();
    let svg = document.find("<svg").and_then(|at| document.get(at..));
    Ok(svg.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_is_safe_to_embed_in_a_page() {
        let svg = qr_svg("https://id.example.com/join/3q2-7wAAAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE")
            .expect("a code");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
        assert!(!svg.contains("<?xml") && !svg.contains("style"));
        assert!(qr_svg(&"x".repeat(8000)).is_err());
    }
}
