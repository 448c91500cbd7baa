//! Reads the forms of a page from its HTML, as a browser would.

/// Returns the fields of the form that posts to `action`, with the values set by the page; panics if there is no such form.
pub fn fields_of(html: &str, action: &str) -> Vec<(String, String)> {
    let form = form_of(html, action).unwrap_or_else(|| panic!("no form posts to {action}: {html}"));
    let inputs = form.split("<input").skip(1).filter_map(|rest| {
        let tag = rest.split('>').next()?;
        let kind = attribute(tag, "type").unwrap_or_default();
        let is_sent = kind != "checkbox" || tag.contains(" checked");
        let name = attribute(tag, "name").filter(|_| is_sent)?;
        Some((name, attribute(tag, "value").unwrap_or_default()))
    });
    let areas = form.split("<textarea").skip(1).filter_map(|rest| {
        let (tag, rest) = rest.split_once('>')?;
        let text = rest.split("</textarea>").next()?;
        Some((
            attribute(tag, "name")?,
            unescaped(text.trim_start_matches('\n')),
        ))
    });
    inputs.chain(areas).collect()
}

/// Returns the part of a page from a form's start tag to its end tag.
pub fn form_of<'page>(html: &'page str, action: &str) -> Option<&'page str> {
    html.split("<form").skip(1).find_map(|rest| {
        let (tag, rest) = rest.split_once('>')?;
        let is_it =
            attribute(tag, "action").as_deref() == Some(action) && tag.contains("method=\"post\"");
        is_it.then(|| rest.split("</form>").next().unwrap_or_default())
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(unescaped)
}

fn unescaped(text: &str) -> String {
    text.replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&")
}
