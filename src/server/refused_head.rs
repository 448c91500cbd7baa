//! Explains refused request heads: the framework refuses them with an empty response before any handler runs, so this module
//! replaces that response with one that users can read.

/// Maximum length of path and query that the framework accepts, in bytes.
const MAX_ADDRESS: usize = 65_534;
/// Maximum length of a request head that the framework accepts, in bytes.
const MAX_HEAD: usize = 131_072;

/// Returns the response to send in place of the framework's refusal after `head_bytes` bytes of the head; `None` for
/// any other response.
pub(super) fn explained(answer: &[u8], head_bytes: usize) -> Option<Vec<u8>> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut fields = head.split("\r\n").skip(1).map(str::to_ascii_lowercase);
    let is_empty = body.is_empty() && fields.any(|field| field == "content-length: 0");
    let status = head.split("\r\n").next()?.strip_prefix("HTTP/1.1 ")?;
    if !is_empty {
        return None;
    }
    let (title, what) = match status.split(' ').next()? {
        "431" => (
            "Request header too large",
            format!("URL and headers together must have at most {MAX_HEAD} bytes."),
        ),
        "400" if head_bytes > MAX_ADDRESS => (
            "URL too long",
            format!(
                "Path and query must have at most {MAX_ADDRESS} bytes. An app that needs more can send its request as a POST form."
            ),
        ),
        "400" => (
            "Bad request",
            "This is not a valid HTTP request (RFC 9112).".to_owned(),
        ),
        _ => return None,
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body><h1>{title}</h1><p>{what}</p></body></html>\n"
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\ncontent-security-policy: default-src 'none'\r\n\r\n{page}",
        page.len()
    );
    Some(answer.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: &str, head_bytes: usize) -> Option<String> {
        let explained = explained(answer.as_bytes(), head_bytes)?;
        Some(String::from_utf8(explained).expect("text"))
    }

    #[test]
    fn empty_error_responses_of_the_framework_get_a_body() {
        let refusal =
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\ndate: x\r\n\r\n";
        let long = text(refusal, MAX_ADDRESS + 1).expect("a page");
        assert!(long.starts_with("HTTP/1.1 400 Bad Request\r\n") && long.contains("65534 bytes"));
        let (head, page) = long.split_once("\r\n\r\n").expect("a body");
        assert!(head.contains(&format!("content-length: {}\r\n", page.len())));
        assert!(text(refusal, 100).is_some_and(|page| page.contains("not a valid HTTP request")));
        let head = refusal.replace("400 Bad Request", "431 Request Header Fields Too Large");
        assert!(text(&head, MAX_HEAD).is_some_and(|page| page.contains("131072 bytes")));
    }

    #[test]
    fn every_other_response_is_unchanged() {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 1\r\n\r\nx",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0",
            "x",
            "",
        ] {
            assert_eq!(text(answer, MAX_HEAD), None, "{answer:?}");
        }
    }
}
