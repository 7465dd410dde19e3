//! The API key goes to the base URL and nowhere else.

use bytes::Bytes;
use http::Response;
use uid2_core::operation::{Action, Generate, RefusalKind};

use crate::support::{Server, TestRuntime, bare, client, dii, good, identity};

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = Server::start(|_| bare(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/v2/token/generate", elsewhere.base_url());
        let server = Server::start(move |_| {
            Response::builder()
                .status(status)
                .header("location", &target)
                .body(Bytes::new())
                .unwrap()
        })
        .await;
        let client = client(server.base_url(), &TestRuntime::new());
        let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
        assert_eq!(error.http_status(), Some(status));
        assert_eq!(error.refusal().unwrap().kind(), RefusalKind::Redirected);
        assert_eq!(error.action(), Action::FixConfiguration);
        let error = client.refresh(&identity()).await.unwrap_err();
        assert_eq!(error.refusal().unwrap().kind(), RefusalKind::Redirected);
        assert_eq!(server.seen().len(), 2, "HTTP {status} was tried again");
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// Were `Location` followed on a success, or to the same host, it would show.
#[tokio::test]
async fn a_location_with_another_status_means_nothing() {
    let server = Server::start(|seen| {
        let mut response = good(seen);
        let location = "/elsewhere".parse().unwrap();
        response.headers_mut().insert("location", location);
        response
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    client.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}
