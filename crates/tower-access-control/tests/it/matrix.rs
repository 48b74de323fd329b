//! Role x permission x organization, for two products' tables.

use std::{convert::Infallible, fmt::Debug};

use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_access_control::{
    AuthorizeLayer, FindOrganization, Membership, PathTemplate, Permission, Permissions, Policy,
    Principal, Rejection, RequireOrganization, RequirePermission, RequireRole, Role,
    routes_without_policy,
};

const READ: Permission = Permission::new::<0>();
const RUN: Permission = Permission::new::<1>();
const INVITE: Permission = Permission::new::<2>();
const DELETE: Permission = Permission::new::<63>();
const ALL: [Permission; 4] = [READ, RUN, INVITE, DELETE];

/// As the wire has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wire {
    Member,
    Manager,
    Admin,
}

impl Role for Wire {
    fn permissions(&self) -> Permissions {
        match self {
            Self::Member => Permissions::of(&[READ, RUN]),
            Self::Manager => Permissions::of(&[READ, RUN, INVITE]),
            Self::Admin => Permissions::of(&ALL),
        }
    }
}

/// As another product has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seat {
    Viewer,
    Member,
    Admin,
    Owner,
}

impl Role for Seat {
    fn permissions(&self) -> Permissions {
        match self {
            Self::Viewer => Permissions::of(&[READ]),
            Self::Member => Permissions::of(&[READ, RUN]),
            Self::Admin => Permissions::of(&[READ, RUN, INVITE]),
            Self::Owner => Permissions::of(&ALL),
        }
    }
}

fn template() -> PathTemplate {
    "/organizations/{id}".parse().unwrap()
}

async fn refusal<P: Policy<()>>(policy: P, request: Request<()>) -> Option<String> {
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    let service = AuthorizeLayer::new(policy).layer(inner);
    let response = service.oneshot(request).await.unwrap();
    let rejection = response.extensions().get::<Rejection>();
    let expected = rejection.map_or(StatusCode::OK, |_| StatusCode::FORBIDDEN);
    assert_eq!(response.status(), expected);
    rejection.map(|rejection| rejection.code().to_owned())
}

fn request<R: Send + Sync + 'static>(path: &str, principal: Option<Principal<R>>) -> Request<()> {
    let mut request = Request::get(path).body(()).unwrap();
    if let Some(principal) = principal {
        request.extensions_mut().insert(principal);
    }
    request
}

/// `may[role]` has a letter for each permission: `x` where it is allowed.
async fn check<R>(roles: &[R], may: &[&str])
where
    R: Role + Copy + Debug + Send + Sync + 'static,
{
    for (held, may) in roles.iter().zip(may) {
        let principal = Principal::new("ada", [("7", *held), ("9", roles[0])], Permissions::ALL);
        for (permission, allowed) in ALL.iter().zip(may.chars()) {
            let policy = || {
                (
                    RequireOrganization::<R>::new(template()),
                    RequirePermission::<R>::new(*permission),
                )
            };
            let own = refusal(
                policy(),
                request("/organizations/7/x", Some(principal.clone())),
            );
            let expected = (allowed != 'x').then_some("permission_missing");
            assert_eq!(own.await.as_deref(), expected, "{held:?} {permission:?}");
            let other = refusal(
                policy(),
                request("/organizations/8/x", Some(principal.clone())),
            );
            assert_eq!(other.await.as_deref(), Some("not_a_member"));
            let none = refusal(policy(), request("/elsewhere", Some(principal.clone())));
            assert_eq!(none.await.as_deref(), Some("no_organization"));
            let nobody = refusal(policy(), request::<R>("/organizations/7/x", None));
            assert_eq!(nobody.await.as_deref(), Some("no_principal"));
        }
        for asked in roles {
            let policy = (
                RequireOrganization::<R>::new(template()),
                RequireRole::new(*asked),
            );
            let seen = refusal(policy, request("/organizations/7", Some(principal.clone())));
            let expected = (held < asked).then_some("role_too_low");
            assert_eq!(seen.await.as_deref(), expected, "{held:?} as {asked:?}");
        }
    }
}

#[tokio::test]
async fn members_managers_and_admins_may_what_their_table_says() {
    let roles = [Wire::Member, Wire::Manager, Wire::Admin];
    check(&roles, &["xx--", "xxx-", "xxxx"]).await;
}

#[tokio::test]
async fn viewers_members_admins_and_owners_may_what_their_table_says() {
    let roles = [Seat::Viewer, Seat::Member, Seat::Admin, Seat::Owner];
    check(&roles, &["x---", "xx--", "xxx-", "xxxx"]).await;
}

#[tokio::test]
async fn a_role_in_one_organization_is_nothing_in_another() {
    let principal = Principal::new(
        "ada",
        [("7", Seat::Owner), ("8", Seat::Viewer)],
        Permissions::ALL,
    );
    let policy = || {
        (
            RequireOrganization::<Seat>::new(template()),
            RequireRole::new(Seat::Owner),
        )
    };
    let own = refusal(
        policy(),
        request("/organizations/7", Some(principal.clone())),
    )
    .await;
    assert_eq!(own, None);
    let other = refusal(policy(), request("/organizations/8", Some(principal))).await;
    assert_eq!(other.as_deref(), Some("role_too_low"));
}

#[tokio::test]
async fn scopes_take_away_and_never_give() {
    for (role, scopes, permission, allowed) in [
        (Seat::Owner, Permissions::of(&[READ]), READ, true),
        (Seat::Owner, Permissions::of(&[READ]), DELETE, false),
        (Seat::Viewer, Permissions::of(&ALL), DELETE, false),
        (Seat::Viewer, Permissions::NONE, READ, false),
    ] {
        let principal = Principal::new("ada", [("7", role)], scopes);
        let policy = (
            RequireOrganization::<Seat>::new(template()),
            RequirePermission::<Seat>::new(permission),
        );
        let refused = refusal(policy, request("/organizations/7", Some(principal))).await;
        assert_eq!(refused.is_none(), allowed, "{role:?} {scopes:?}");
    }
}

#[tokio::test]
async fn an_owner_s_key_for_reading_does_not_act_as_an_owner() {
    let reader = Principal::new("ada", [("7", Seat::Owner)], Permissions::of(&[READ]));
    for (asked, expected) in [(Seat::Viewer, None), (Seat::Owner, Some("role_too_low"))] {
        let policy = (
            RequireOrganization::<Seat>::new(template()),
            RequireRole::new(asked),
        );
        let seen = refusal(policy, request("/organizations/7", Some(reader.clone()))).await;
        assert_eq!(seen.as_deref(), expected);
    }
}

#[tokio::test]
async fn without_an_organization_looked_for_nothing_is_allowed() {
    let principal = Principal::new("ada", [("7", Seat::Owner)], Permissions::ALL);
    let role = RequireRole::new(Seat::Viewer);
    let seen = refusal(role, request("/organizations/7", Some(principal.clone()))).await;
    assert_eq!(seen.as_deref(), Some("no_organization"));
    let permission = RequirePermission::<Seat>::new(READ);
    let seen = refusal(permission, request("/organizations/7", Some(principal))).await;
    assert_eq!(seen.as_deref(), Some("no_organization"));
}

/// Nor when the next policy finds no organization at all.
#[tokio::test]
async fn a_membership_found_before_does_not_count_for_another_organization() {
    struct Nowhere;

    impl FindOrganization<()> for Nowhere {
        fn organization<'a>(&'a self, _: &'a Request<()>) -> Option<&'a str> {
            None
        }
    }

    let leftover = |request: &mut Request<()>| {
        let inner = RequireOrganization::<Seat, _>::new(Nowhere);
        assert!(inner.check(request).is_err());
        Ok(())
    };
    let policy = (
        RequireOrganization::<Seat>::new(template()),
        leftover,
        RequireRole::new(Seat::Viewer),
    );
    let principal = Principal::new("ada", [("7", Seat::Owner)], Permissions::ALL);
    let seen = refusal(policy, request("/organizations/7", Some(principal))).await;
    assert_eq!(seen.as_deref(), Some("no_organization"));
}

#[tokio::test]
async fn a_handler_learns_what_the_caller_is() {
    let inner = service_fn(async |request: Request<()>| {
        let found = request
            .extensions()
            .get::<Membership<Seat>>()
            .unwrap()
            .clone();
        Ok::<_, Infallible>(Response::new(Some(found)))
    });
    let policy = RequireOrganization::<Seat>::new(template());
    let principal = Principal::new(
        "ada",
        [("7", Seat::Admin)],
        Permissions::of(&[READ, DELETE]),
    );
    let response = AuthorizeLayer::new(policy)
        .layer(inner)
        .oneshot(request("/organizations/7/runs", Some(principal)))
        .await
        .unwrap();
    let membership = response.into_body().unwrap();
    assert_eq!(membership.organization(), "7");
    assert_eq!(*membership.role(), Seat::Admin);
    assert_eq!(membership.permissions(), Permissions::of(&[READ]));
}

#[test]
fn a_path_matches_its_template_segment_by_segment() {
    let template: PathTemplate = "/v1/organizations/{id}/runs".parse().unwrap();
    for (path, expected) in [
        ("/v1/organizations/7/runs", Some("7")),
        ("/v1/organizations/7/runs/1", Some("7")),
        ("/v1/organizations/7/runs/", Some("7")),
        ("/v1/organizations/%37/runs", Some("%37")),
        ("/v1/organizations/../runs", Some("..")),
        ("/v1/organizations/7/runsome", None),
        ("/v1/organizations/7", None),
        ("/v1/organizations//runs", None),
        ("/v1//organizations/7/runs", None),
        ("/V1/organizations/7/runs", None),
        ("/x/v1/organizations/7/runs", None),
        ("v1/organizations/7/runs", None),
        ("", None),
    ] {
        assert_eq!(template.find(path), expected, "{path}");
    }
}

#[test]
fn a_template_has_one_parameter() {
    for illegal in [
        "", "/", "/a", "{id}", "/a{id}", "/{id}b", "/{a}/{b}", "/{a}/", "/a}/{b}", "/{a", "/{a/b}",
        "/{{a}}", "a/{id}",
    ] {
        assert!(illegal.parse::<PathTemplate>().is_err(), "{illegal}");
    }
    for legal in ["/{id}", "/a/{id}", "/a/{id}/b", "/{}"] {
        assert!(legal.parse::<PathTemplate>().is_ok(), "{legal}");
    }
}

#[tokio::test]
async fn routes_without_a_policy_are_listed() {
    let policy = RequireOrganization::<Seat>::new(template());
    let guarded = AuthorizeLayer::new(policy).layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(()))
    }));
    let service = ServiceBuilder::new().service(service_fn(move |request: Request<()>| {
        let guarded = guarded.clone();
        async move {
            match request.uri().path() {
                "/forgotten" => Ok(Response::new(())),
                _ => guarded.oneshot(request).await,
            }
        }
    }));
    let nobody = Principal::<Seat>::new("nobody", [("", Seat::Viewer); 0], Permissions::ALL);
    let routes = ["/organizations/7", "/forgotten", "/elsewhere"]
        .map(|path| request(path, Some(nobody.clone())));
    let open = routes_without_policy(service, routes).await.unwrap();
    let open: Vec<_> = open.iter().map(|(_, uri)| uri.path()).collect();
    assert_eq!(open, ["/forgotten"]);
}
