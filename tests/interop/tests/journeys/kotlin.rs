//! The journeys of [`crate::cold`] with the Android library (android/bench, `ColdPhone`).

use crate::cold::{self, Cold};

fn kotlin() -> Option<Cold> {
    Cold::new("kotlin", "SIDETONE_KOTLIN").map(Cold::on_android)
}

cold::journeys!(kotlin);

cold::journeys! { kotlin: a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset, }
