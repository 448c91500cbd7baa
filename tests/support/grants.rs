//! Roles on things, given and withdrawn as the application does: under the person's raised standing, in force afterwards.

use diesel::prelude::*;
use doorward::base::ids::{GrantId, UserId};
use doorward::db::schema::grants;
use doorward::db::{self, Json};
use doorward::standing;

use super::house::House;

impl House {
    /// What a person may be on a thing, from now on; no roles: nothing.
    pub fn set_grant(&self, user: &str, (kind, id): (&str, &str), roles: &[&str]) {
        let user = UserId::parse(user).expect("an id");
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        let (kind, id, clock) = (kind.to_owned(), id.to_owned(), self.app.database.clone());
        let written = self.app.database.write(move |conn| {
            let now = clock.now(conn)?;
            standing::raise(conn, user, now)?;
            let of_thing = grants::table
                .filter(grants::user_id.eq(user))
                .filter(grants::resource_type.eq(kind.clone()))
                .filter(grants::resource_id.eq(id.clone()));
            diesel::delete(of_thing).execute(conn)?;
            diesel::insert_into(grants::table)
                .values((
                    grants::id.eq(GrantId::random()),
                    grants::user_id.eq(user),
                    grants::resource_type.eq(kind),
                    grants::resource_id.eq(id),
                    grants::roles.eq(Json(roles)),
                    grants::created_at.eq(now),
                    grants::version.eq(1),
                    grants::as_of.eq(now),
                ))
                .execute(conn)?;
            Ok::<_, db::Error>(())
        });
        self.run(written).expect("a grant");
        self.run(self.app.standings.publish(user))
            .expect("in force");
    }
}
