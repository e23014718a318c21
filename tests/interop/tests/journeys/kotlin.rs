//! The journeys of [`crate::cold`] with the Android library (android/bench, `ColdPhone`).

use crate::cold::{self, Cold};

cold::journeys!("kotlin", "SIDETONE_KOTLIN");

#[test]
fn a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset() {
    if let Some(cold) = Cold::new("kotlin", "SIDETONE_KOTLIN") {
        cold::a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset(&cold);
    }
}
