//! A single sealed call to any endpoint, for what the client has no method for.

use bytes::Bytes;
use getrandom::SysRng;
use http::Request;
use rand_core::UnwrapErr;
use uid2_core::envelope::{self, Encoding};
use uid2_core::{ApiKey, BaseUrl, ClientSecret};
use uid2_http::{HyperTransport, Transport};
use zeroize::Zeroizing;

use crate::clock;
use crate::failure::Failure;
use crate::output::in_full;

/// Sends a sealed payload, and opens the answer.
pub(crate) fn call(
    base_url: &BaseUrl,
    path: &str,
    api_key: &ApiKey,
    secret: &ClientSecret,
    payload: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut rng = UnwrapErr(SysRng);
    let sealed = envelope::seal_request(secret, payload, Encoding::Text, clock::now(), &mut rng);
    let request = Request::post(format!("{base_url}{path}"))
        .header("authorization", api_key.authorization_header())
        .header("content-type", Encoding::Text.content_type())
        .body(Bytes::from(sealed.body))
        .map_err(|error| Failure::local("invalid_base_url", &error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::local("other", &error))?;
    let transport =
        HyperTransport::new().map_err(|error| Failure::local("invalid_proxy", &error))?;
    let response = runtime.block_on(transport.send(request)).map_err(|error| {
        Failure::said("connect", format!("{base_url}{path}: {}", in_full(&error)))
    })?;
    let status = response.status().as_u16();
    if status != 200 {
        let mut failure = Failure::said(
            "refused",
            format!("{base_url}{path} answered with HTTP status {status}"),
        );
        failure.http_status = Some(status);
        return Err(failure);
    }
    let opened = envelope::open_response(secret, response.body(), Encoding::Text, sealed.nonce)
        .map_err(|error| Failure::local("untrusted_response", &error))?;
    Ok(Zeroizing::new(opened.payload().to_vec()))
}
