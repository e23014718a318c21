//! What the phone saves is on the disk before the next step, and a disk that fails ends no call.

use super::*;
use crate::saving::load;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;

fn vault(name: &str) -> (PathBuf, Arc<Vault>) {
    let folder = temporary(name);
    let _ = std::fs::remove_dir_all(&folder);
    let vault = Arc::new(Vault::open(&folder, &[3; 32]).unwrap());
    (folder, vault)
}

async fn phone_with(vault: &Arc<Vault>) -> Phone {
    phone_by(|config| start(DriverConfig { vault: Some(vault.clone()), ..config })).await
}

#[tokio::test]
async fn a_phone_goes_on_with_what_the_last_one_stored_and_the_app_stores_nothing() {
    let (_, vault) = vault("goes-on");
    let mut registered = Vec::new();
    for _ in 0..2 {
        let mut phone = phone_with(&vault).await;
        phone.register().await;
        let saved = load(&vault).unwrap().expect("it is stored by then");
        registered.push((saved.register_call_id, saved.register_sequence));
        phone.handle.shutdown().await;
        while let Some(update) = phone.updates.next().await {
            assert!(!matches!(update.what, What::Save(_) | What::NotSaved(_)));
        }
    }
    assert_eq!(registered[0].0, registered[1].0, "RFC 3261 §10.2: one Call-ID across restarts");
    assert!(registered[0].1 < registered[1].1, "{registered:?}");
}

#[tokio::test]
async fn nothing_is_done_before_it_is_stored_and_others_go_on_meanwhile() {
    let (folder, vault) = vault("before");
    let mut phone = phone_with(&vault).await;
    // Who holds the folder keeps everybody else from writing.
    let held = File::open(&folder).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let handle = phone.handle.clone();
    let signing_in = tokio::spawn(async move { handle.command(Command::Register).await });
    let began = Instant::now();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(began.elapsed() < Duration::from_secs(2), "the runtime goes on: {:?}", began.elapsed());
    assert!(phone.sees.try_recv().is_err(), "nothing was sent");
    assert!(!signing_in.is_finished());
    drop(held);
    signing_in.await.unwrap().unwrap();
    phone
        .event(|event| {
            matches!(event, Event::RegistrationChanged(r) if r.state == RegistrationState::Registered)
        })
        .await;
    phone.handle.shutdown().await;
}

#[tokio::test]
async fn a_disk_that_fails_is_told_and_the_call_goes_on() {
    let (folder, vault) = vault("fails");
    let mut phone = phone_with(&vault).await;
    // A folder with something in it cannot be taken away like a file.
    std::fs::create_dir_all(folder.join("phone.new/x")).unwrap();
    phone.handle.command(Command::Register).await.unwrap();
    let told = async {
        loop {
            if let What::NotSaved(text) = phone.updates.next().await.unwrap().what {
                return text;
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await.expect("it is told");
    assert!(told.contains("cannot be written"), "{told}");
    phone
        .event(|event| {
            matches!(event, Event::RegistrationChanged(r) if r.state == RegistrationState::Registered)
        })
        .await;
    let call = CallId(uuid::Uuid::from_u128(1));
    phone.handle.command(Command::Dial { call, to: "600".to_owned() }).await.unwrap();
    phone.event(|event| matches!(event, Event::Established { .. })).await;
    assert!(load(&vault).unwrap().is_none());
    phone.handle.shutdown().await;
}

#[tokio::test]
async fn a_phone_with_another_key_does_not_start_and_says_what_to_do() {
    let (folder, vault) = vault("key");
    let mut phone = phone_with(&vault).await;
    phone.register().await;
    phone.handle.shutdown().await;
    let other = Arc::new(Vault::open(&folder, &[4; 32]).unwrap());
    let config = config("wss://localhost:1/ws", &Authority::new(), Some(other));
    let refused = start(config).err().unwrap();
    assert!(matches!(refused, StartError::Vault(_)));
    assert!(refused.to_string().contains("sign in again"), "{refused}");
}
