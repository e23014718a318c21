//! The journeys of [`crate::cold`] with the Android library (android/bench, `ColdPhone`).

use crate::cold::{self, Cold};

#[test]
fn a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up(&cold);
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing_and_is_a_missed_call() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_caller_who_gives_up_stops_the_ringing_and_is_a_missed_call(&cold);
}

#[test]
fn a_phone_that_was_killed_in_a_call_takes_the_next_one() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_phone_that_was_killed_in_a_call_takes_the_next_one(&cold);
}

#[test]
fn a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen(&cold);
}

#[test]
fn a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset(&cold);
}

#[test]
fn a_push_is_answered_before_its_invite() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_push_is_answered_before_its_invite(&cold);
}

#[test]
fn a_push_is_declined_before_its_invite() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_push_is_declined_before_its_invite(&cold);
}

#[test]
fn a_phone_that_is_killed_while_it_rings_is_woken_again() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_phone_that_is_killed_while_it_rings_is_woken_again(&cold);
}

#[test]
fn a_caller_who_is_gone_while_it_rings_stops_it() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_caller_who_is_gone_while_it_rings_stops_it(&cold);
}

#[test]
fn a_caller_who_was_gone_before_ends_by_the_deadline() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_caller_who_was_gone_before_ends_by_the_deadline(&cold);
}

#[test]
fn a_phone_sleeps_after_its_call_and_the_next_push_rings_in_the_same_process() {
    let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") else { return };
    cold::a_phone_sleeps_after_its_call_and_the_next_push_rings_in_the_same_process(&cold);
}
