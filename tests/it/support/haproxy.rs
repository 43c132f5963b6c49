//! HAProxy with `deploy/haproxy/haproxy.cfg` and the Lua action beside it.

use std::process::Command;

use super::programs;
use super::proxy::Place;

/// The shipped configuration with other addresses and without TLS.
pub fn command(place: &Place<'_>) -> Command {
    let program = programs::need(&["haproxy"], "haproxy");
    let version = programs::said(&programs::run(Command::new(&program).arg("-v")));
    programs::used(&format!("haproxy/{}", version.split_whitespace().nth(2).unwrap_or_default()));
    let Place { port, authority, application, .. } = place;
    let lua = programs::project("deploy/haproxy/curfew.lua");
    let shipped = place.shipped(
        "deploy/haproxy/haproxy.cfg",
        &[
            ("lua-load /etc/haproxy/curfew.lua", format!("lua-load {}", lua.display())),
            ("bind :443 ssl crt /etc/haproxy/app.example.com.pem alpn h2,http/1.1", format!("bind 127.0.0.1:{port}")),
            ("http-request lua.curfew http://127.0.0.1:8080/", format!("http-request lua.curfew http://{authority}/")),
            ("server curfew 127.0.0.1:8080", format!("server curfew {authority}")),
            ("server application 127.0.0.1:3000", format!("server application 127.0.0.1:{application}")),
        ],
    );
    let file = place.write("haproxy.cfg", &shipped);
    let mut command = Command::new(program);
    // -db: it stays in the foreground.
    command.arg("-db").arg("-f").arg(file);
    command
}
