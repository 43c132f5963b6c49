//! Caddy with `deploy/caddy/Caddyfile`.

use std::process::Command;

use super::programs;
use super::proxy::Place;

/// The shipped configuration with other addresses, without TLS and without Caddy's own API.
pub fn command(place: &Place<'_>) -> Command {
    let program = programs::need(&["caddy"], "caddy");
    let version = programs::said(&programs::run(Command::new(&program).arg("version")));
    programs::used(&format!("caddy/{}", version.split_whitespace().next().unwrap_or_default()));
    let Place { port, authority, application, .. } = place;
    let shipped = place.shipped(
        "deploy/caddy/Caddyfile",
        &[
            ("app.example.com {\n", format!("http://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n")),
            ("reverse_proxy 127.0.0.1:8080\n", format!("reverse_proxy {authority}\n")),
            ("forward_auth 127.0.0.1:8080 {", format!("forward_auth {authority} {{")),
            ("reverse_proxy 127.0.0.1:3000\n", format!("reverse_proxy 127.0.0.1:{application}\n")),
        ],
    );
    let file = place.write("Caddyfile", &format!("{{\n\tadmin off\n\tauto_https off\n}}\n\n{shipped}"));
    let mut command = Command::new(program);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
    // It keeps what it remembers where its user's files are.
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(name, place.folder);
    }
    command
}
