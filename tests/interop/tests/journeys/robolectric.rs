//! The journeys of [`crate::cold`] with Android's sample app (android/device, `RobolectricPhone`): its real services,
//! notification and activity on the framework's classes of several levels of Android.
//!
//! `SIDETONE_ROBOLECTRIC` names the command, `scripts/kotlin device`, and `SIDETONE_ROBOLECTRIC_LEVELS` what
//! `scripts/kotlin levels` says: the newest level needs a newer Java.

use crate::cold::{self, Cold};
use std::time::Duration;

fn on(level: &'static str) -> Option<Cold> {
    let levels = std::env::var("SIDETONE_ROBOLECTRIC_LEVELS").unwrap_or_default();
    if !levels.split_whitespace().any(|it| it == level) {
        println!("left out: SIDETONE_ROBOLECTRIC_LEVELS has no {level}");
        return None;
    }
    let cold = Cold::new("robolectric", "SIDETONE_ROBOLECTRIC")?;
    Some(cold.with(&["--api", level]).beginning_within(Duration::from_secs(14)))
}

macro_rules! journeys {
    ($($android:ident $level:literal { $($journey:ident,)* })*) => {
        $(mod $android {
            $(#[test]
            fn $journey() {
                if let Some(cold) = super::on($level) {
                    super::cold::$journey(&cold);
                }
            })*
        })*
    };
}

journeys! {
    android_8 "26" {
        a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up,
        a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen,
        a_push_is_declined_before_its_invite,
        a_caller_who_was_gone_before_ends_by_the_deadline,
    }
    android_14 "34" {
        a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up,
        a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen,
        a_push_is_declined_before_its_invite,
        a_caller_who_was_gone_before_ends_by_the_deadline,
    }
    android_15 "35" {
        a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up,
        a_caller_who_gives_up_stops_the_ringing_and_is_a_missed_call,
        a_phone_that_was_killed_in_a_call_takes_the_next_one,
        a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen,
        a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset,
        a_push_is_declined_before_its_invite,
        a_caller_who_is_gone_while_it_rings_stops_it,
        a_caller_who_was_gone_before_ends_by_the_deadline,
    }
    android_16 "36" {
        a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up,
        a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen,
    }
}
