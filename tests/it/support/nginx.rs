//! nginx with `deploy/nginx/curfew.conf`.

use std::process::Command;

use super::programs;
use super::proxy::Place;

/// The shipped configuration with other addresses and without TLS, inside the frame that nginx needs around it.
pub fn command(place: &Place<'_>) -> Command {
    let program = programs::need(&["nginx"], "nginx");
    let version = programs::said(&programs::run(Command::new(&program).arg("-v")));
    programs::used(version.split_whitespace().next_back().unwrap_or("nginx"));
    let Place { port, authority, application, .. } = place;
    let shipped = place.shipped(
        "deploy/nginx/curfew.conf",
        &[
            ("server 127.0.0.1:8080;", format!("server {authority};")),
            ("server 127.0.0.1:3000;", format!("server 127.0.0.1:{application};")),
            ("listen 443 ssl;", format!("listen 127.0.0.1:{port};")),
            ("server_name app.example.com;", "server_name _;".to_owned()),
        ],
    );
    let shipped: Vec<&str> = shipped.lines().filter(|line| !line.trim_start().starts_with("ssl_certificate")).collect();
    let (folder, shipped) = (place.folder.display(), shipped.join("\n"));
    let file = place.write(
        "nginx.conf",
        &format!(
            "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n\
             events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\nclient_body_temp_path {folder}/body;\n\
             proxy_temp_path {folder}/proxy;\nfastcgi_temp_path {folder}/fastcgi;\nuwsgi_temp_path {folder}/uwsgi;\n\
             scgi_temp_path {folder}/scgi;\n{shipped}\n}}\n"
        ),
    );
    let mut command = Command::new(program);
    command.arg("-p").arg(place.folder).arg("-e").arg("stderr").arg("-c").arg(file);
    command
}
