//! Configuration by environment variables, through the real binary.

use crate::on_both;
use crate::support::binary;
use crate::support::http::TestBrowser;
use crate::support::process::free_port;

on_both! {
    fn text_in_the_environment_is_not_converted(server) {
        for name in ["007", "1.10", "\"Orders\""] {
            let mut config = server.config.clone();
            config.server.listen.set_port(free_port());
            let printed = tempfile::NamedTempFile::new().expect("a file");
            let mut command = binary::command(&config);
            command.env("DOORWARD__PASSKEYS__RP_NAME", name);
            let _process = binary::serve_command(&mut command, &config, printed.path());
            let browser = TestBrowser::new(config.server.listen.port(), server.origin());
            let page = browser.get("/login").text().to_owned();
            let escaped = name.replace('"', "&#34;");
            assert!(page.contains(&format!("{escaped}</title>")), "{name}: {page}");
        }
    }
}
