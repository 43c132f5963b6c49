//! The README's story, run as it is written, with the program that was built.

use std::process::Command;

use crate::support::cli::PROGRAM;
use crate::support::programs;

#[test]
fn the_story_runs_as_written() {
    for (program, package) in [("curl", "curl"), ("jq", "jq"), ("python3", "python3")] {
        programs::need(&[program], package);
    }
    let folder = std::path::Path::new(PROGRAM).parent().expect("a program is in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).expect("a path of folders");
    let bash = programs::need(&["bash"], "bash");
    let output = programs::run(Command::new(bash).arg(programs::project("tests/readme.sh")).env("PATH", path));
    assert!(programs::said(&output).contains("the story ran as written"), "{}", programs::said(&output));
}
