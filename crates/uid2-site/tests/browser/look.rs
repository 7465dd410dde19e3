//! How a page looks, and whether everybody can use it.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fantoccini::Client;
use serde_json::{Value, json};

use crate::driver::devtools;

/// What a page is looked at in: a name, a width and a colour scheme.
const VIEWS: [(&str, u32, &str); 4] = [
    ("light", 1280, "light"),
    ("dark", 1280, "dark"),
    ("phone", 390, "light"),
    ("phone-dark", 390, "dark"),
];

/// Takes pictures of the page, and fails if anything hinders anybody.
pub(crate) async fn look(client: &Client, axe: &str, name: &str) {
    for (view, width, scheme) in VIEWS {
        emulate(client, width, scheme).await;
        picture(client, &format!("{name}-{view}")).await;
        let wide = number(client, "return document.documentElement.scrollWidth").await;
        assert!(wide <= f64::from(width), "{name} in {view} is {wide} wide");
        let violations = violations(client, axe).await;
        assert!(violations.is_empty(), "{name} in {view}: {violations:#?}");
    }
    devtools(client, "Emulation.clearDeviceMetricsOverride", json!({})).await;
    devtools(
        client,
        "Emulation.setEmulatedMedia",
        json!({ "features": [] }),
    )
    .await;
}

async fn emulate(client: &Client, width: u32, scheme: &str) {
    let size = json!({
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600,
    });
    devtools(client, "Emulation.setDeviceMetricsOverride", size).await;
    let media = json!({ "features": [
        { "name": "prefers-color-scheme", "value": scheme },
        { "name": "prefers-reduced-motion", "value": "reduce" },
    ]});
    devtools(client, "Emulation.setEmulatedMedia", media).await;
}

/// The whole page, into `target/site-screenshots`.
async fn picture(client: &Client, name: &str) {
    let sizes = devtools(client, "Page.getLayoutMetrics", json!({})).await;
    let size = &sizes["cssContentSize"];
    let clip = json!({
        "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1,
    });
    let params = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
    let shot = devtools(client, "Page.captureScreenshot", params).await;
    let png = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
    let folder = folder();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
}

/// Beside the build, wherever that is.
fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    // <target>/debug/deps/browser-…
    program.ancestors().nth(3).unwrap().join("site-screenshots")
}

async fn number(client: &Client, script: &str) -> f64 {
    client
        .execute(script, vec![])
        .await
        .unwrap()
        .as_f64()
        .unwrap()
}

/// What axe-core finds fault with: which rule, and where.
async fn violations(client: &Client, axe: &str) -> Vec<Value> {
    client.execute(axe, vec![]).await.expect("axe-core");
    let script = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] }).then(
            (found) => done({
                passes: found.passes.length,
                violations: found.violations.map((it) => ({
                    rule: it.id,
                    nodes: it.nodes.map((node) => `${node.html} ${node.failureSummary}`),
                })),
            }),
            (error) => done({ passes: 0, violations: [String(error)] }),
        );";
    let found = client
        .execute_async(script, vec![])
        .await
        .expect("axe-core");
    // A check that looked at nothing would find nothing.
    assert!(found["passes"].as_u64().unwrap() > 10, "{found}");
    found["violations"].as_array().unwrap().clone()
}
