//! The journeys of [`crate::cold`] with Android's sample app (android/device, `RobolectricPhone`): its real services,
//! notification and activity on the framework's classes of several levels of Android.
//!
//! `SIDETONE_ROBOLECTRIC` names the command, `scripts/kotlin device`, and `SIDETONE_ROBOLECTRIC_LEVELS` what
//! `scripts/kotlin levels` says: the newest level needs a newer Java.

use crate::cold::{self, Cold};

fn on(level: &'static str) -> Option<Cold> {
    let levels = std::env::var("SIDETONE_ROBOLECTRIC_LEVELS").unwrap_or_default();
    if !levels.split_whitespace().any(|it| it == level) {
        println!("left out: SIDETONE_ROBOLECTRIC_LEVELS has no {level}");
        return None;
    }
    let cold = Cold::new("robolectric", "SIDETONE_ROBOLECTRIC")?;
    Some(cold.with(&["--api", level]).on_android())
}

macro_rules! levels {
    ($($android:ident $level:literal,)*) => {
        $(mod $android {
            fn sample() -> Option<super::Cold> {
                super::on($level)
            }

            super::cold::journeys!(sample);

            super::cold::journeys! { sample: a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset, }
        })*
    };
}

levels! { android_8 "26", android_14 "34", android_15 "35", }

mod android_16 {
    fn sample() -> Option<super::Cold> {
        super::on("36")
    }

    super::cold::journeys! {
        sample:
        a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up,
        a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen,
    }
}
