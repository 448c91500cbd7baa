//! Every page fits a phone and a desk, in light and dark, and throws nothing. DOORWARD_PICTURES names a folder for pictures.

use std::path::Path;

use super::Visitor;
use crate::on_both;
use crate::support::browser::Chromium;

on_both! {
    fn every_page_fits(house) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(house);
        let root = house.run(house.app.users.find("root")).expect("root");
        let passkey = house.run(house.app.passkeys.list(root.id, false)).expect("passkeys")[0].id;
        let paths = [
            "/welcome".to_owned(), "/account".into(), "/account/lock".into(), format!("/account/passkeys/{passkey}/remove"),
            "/admin".into(), "/admin/audit".into(), format!("/admin/users/{}", root.id),
            format!("/admin/users/{}/suspend", root.id), "/lost".into(), "/nothing".into(),
            "/setup/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(), "/join/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(),
        ];
        for (width, height, dark) in [(320, 640, true), (390, 844, false), (1280, 900, true)] {
            visitor.page.set_viewport(width, height, width < 500);
            visitor.page.set_dark(dark);
            for path in &paths {
                visitor.page.goto(&format!("{}{path}", house.origin()));
                visitor.assert_fits();
                let heading = visitor.page.evaluate("document.querySelectorAll('h1').length");
                assert_eq!(heading, serde_json::json!(1), "{path}");
                if let Some(folder) = std::env::var_os("DOORWARD_PICTURES") {
                    let name = format!("{}-{width}.png", path.replace('/', "_"));
                    visitor.page.screenshot(&Path::new(&folder).join(name));
                }
            }
        }
        visitor.assert_clean();
    }
}
