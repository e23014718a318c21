//! Who may open the audio devices, and when: the platform says so.

use super::*;
use crate::start_on;
use crate::testing::Paper;
use sidetone_phone::{AudioGate, Caller};
use std::sync::atomic::Ordering;

const CALL: CallId = CallId(uuid::Uuid::from_u128(1));

async fn phone_on_paper(gate: AudioGate) -> (Phone, Paper) {
    let paper = Paper::default();
    let device = paper.clone();
    let phone = phone_by(move |mut config| {
        config.phone.audio = gate;
        start_on(config, move || Ok(Box::new(device)))
    });
    let mut phone = phone.await;
    phone.register().await;
    (phone, paper)
}

async fn talk(phone: &mut Phone) {
    phone.handle.command(Command::Dial { call: CALL, to: "600".to_owned() }).await.unwrap();
    phone.event(|event| matches!(event, Event::Established { .. })).await;
}

impl Paper {
    fn opened(&self) -> u64 {
        self.starts.load(Ordering::SeqCst)
    }

    fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// Forgets what was played, and waits until the hum has gone out and come back from the echo.
    async fn hears_the_echo_within(&self, limit: Duration) {
        self.played.lock().unwrap().clear();
        let began = Instant::now();
        while self.played.lock().unwrap().iter().filter(|s| s.unsigned_abs() > 4_000).count() < 480
        {
            assert!(began.elapsed() < limit, "no echo after {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn falls_silent(&self) {
        let began = Instant::now();
        while self.is_running() {
            assert!(began.elapsed() < PATIENCE, "it still runs");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let played = self.played.lock().unwrap().len();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(self.played.lock().unwrap().len(), played, "nothing is played any more");
    }
}

#[tokio::test]
async fn no_device_is_opened_before_the_platform_gives_the_audio() {
    let (mut phone, paper) = phone_on_paper(AudioGate::Platform).await;
    talk(&mut phone).await;
    phone.handle.audio_route_changed().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(paper.opened(), 0, "established, and silent");
    phone.handle.audio_activated().await;
    phone.event(|event| matches!(event, Event::MediaFlowing { .. })).await;
    assert_eq!(paper.opened(), 1);
    phone.handle.command(Command::HangUp { call: CALL }).await.unwrap();
    phone.handle.audio_deactivated().await;
    paper.falls_silent().await;
    phone.handle.shutdown().await;
    assert_eq!(paper.opened(), 1);
}

#[tokio::test]
async fn a_platform_that_gives_the_audio_before_the_answer_opens_nothing_without_a_call() {
    let (mut phone, paper) = phone_on_paper(AudioGate::Platform).await;
    phone.handle.audio_activated().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(paper.opened(), 0, "no call wants it");
    talk(&mut phone).await;
    paper.hears_the_echo_within(PATIENCE).await;
    assert_eq!(paper.opened(), 1);
    phone.handle.shutdown().await;
}

#[tokio::test]
async fn after_an_interruption_the_call_is_sent_and_heard_again_within_a_second() {
    let (mut phone, paper) = phone_on_paper(AudioGate::Platform).await;
    phone.handle.audio_activated().await;
    talk(&mut phone).await;
    paper.hears_the_echo_within(PATIENCE).await;
    for interruption in 1..=3 {
        phone.handle.audio_deactivated().await;
        paper.falls_silent().await;
        phone.handle.audio_activated().await;
        paper.hears_the_echo_within(Duration::from_secs(1)).await;
        assert_eq!(paper.opened(), 1 + interruption, "opened anew once");
    }
    assert_eq!(phone.handle.snapshot().calls.len(), 1, "the call is the same");
    phone.handle.shutdown().await;
}

#[tokio::test]
async fn another_route_opens_the_devices_anew_within_the_call() {
    let (mut phone, paper) = phone_on_paper(AudioGate::Open).await;
    talk(&mut phone).await;
    paper.hears_the_echo_within(PATIENCE).await;
    phone.handle.audio_route_changed().await;
    paper.hears_the_echo_within(Duration::from_secs(1)).await;
    assert_eq!(paper.opened(), 2);
    assert_eq!(phone.handle.snapshot().calls.len(), 1);
    phone.handle.shutdown().await;
}

#[tokio::test]
async fn what_a_push_announces_is_told_by_the_phone_too() {
    let (mut phone, _) = phone_on_paper(AudioGate::Platform).await;
    let deadline = crate::clock::now().wall.0.as_secs() + 20;
    let payload = format!(
        r#"{{"v":1,"kind":"incoming","call":"{CALL}","deadline":{deadline},"caller":{{"number":"0301"}}}}"#
    );
    let report = crate::announce(payload.as_bytes());
    assert_eq!(report.over, None);
    assert_eq!(report.announcement.caller, Caller { name: None, number: Some("0301".to_owned()) });
    phone.handle.announced(report.announcement.clone()).await;
    let told = phone.event(|event| matches!(event, Event::Announced { .. })).await;
    assert_eq!(told, Event::Announced { call: CALL, announcement: report.announcement });
    phone.handle.shutdown().await;
}
