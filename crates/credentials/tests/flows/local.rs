//! Commands and files of this machine.

use std::time::Duration;

use credentials::{Renewed, Spec};

use crate::scene::{Folder, NOW, around, first, token};

fn command(line: &str) -> Spec {
    Spec::Command {
        argv: ["sh", "-c", line].map(str::to_owned).to_vec(),
        ttl: Duration::from_secs(60),
    }
}

#[tokio::test]
async fn what_a_command_prints_is_the_key() {
    let credential = first(command("echo key-1"), &[]).await.unwrap();
    assert_eq!(token(&credential), "key-1");
}

#[tokio::test]
async fn a_commands_failure_tells_nothing_of_its_output() {
    for (line, why) in [
        ("echo hush; echo hush >&2; exit 3", "exit status: 3"),
        ("yes hush | head -c 100000", "prints too much"),
        ("printf 'hush\\nhush'", "no key of one line"),
        ("true", "no key of one line"),
    ] {
        let said = first(command(line), &[]).await.unwrap_err().to_string();
        assert!(said.contains(why) && !said.contains("hush"), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_is_read_again_and_one_that_vanishes_stays() {
    let folder = Folder::new("file");
    let path = folder.file("key", "one\n");
    let spec = Spec::File {
        path: path.clone().into(),
    };
    let renewed = Renewed::start("test", spec, around(&[]));
    renewed.ready().await.unwrap();
    assert_eq!(token(&renewed.at(NOW).unwrap()), "one");
    folder.file("key", "two\n");
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(token(&renewed.at(NOW).unwrap()), "two");
    std::fs::remove_file(&path).unwrap();
    tokio::time::sleep(Duration::from_secs(99)).await;
    assert_eq!(token(&renewed.at(NOW).unwrap()), "two");
}
