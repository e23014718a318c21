//! Every scenario on both servers, with the same assertions; the ladders of its phones compared.

use sidetone_interop::ladder::{Known, Ladder};
use sidetone_interop::stage::Stage;

/// The differences that are meant, with their reasons.
const DIFFERENCES: &str = include_str!("../../../scenarios/DIFFERENCES.md");

fn play(journey: fn(&Stage)) {
    let asterisk = played(Stage::asterisk(), journey);
    // For the time in which only one server is looked at.
    if std::env::var("SIDETONE_SERVERS").is_ok_and(|servers| servers == "asterisk") {
        return;
    }
    let model = played(Stage::model(), journey);
    assert_eq!(asterisk.len(), model.len());
    let known = Known::read(DIFFERENCES);
    let mut unknown = Vec::new();
    for (asterisk, model) in asterisk.iter().zip(&model) {
        for difference in asterisk.differences(model, "asterisk", "model") {
            if !known.has(&difference) {
                unknown.push(format!("{}: {difference}", asterisk.phone));
            }
        }
    }
    assert!(unknown.is_empty(), "differences that are not listed:\n{}", unknown.join("\n"));
}

fn played(stage: Stage, journey: fn(&Stage)) -> Vec<Ladder> {
    journey(&stage);
    stage.into_ladders()
}

macro_rules! scenarios {
    ($($module:ident { $($journey:ident,)* })*) => {
        $(mod $module {
            $(#[test]
            fn $journey() {
                super::play(crate::scenarios::$module::$journey);
            })*
        })*
    };
}

scenarios! {
    queue {
        the_agent_hangs_up,
        the_customer_hangs_up,
    }
    outgoing {
        an_echo,
        busy,
        a_number_that_does_not_exist,
        nobody_there,
        no_line,
        refused_by_the_other_side,
        early_media,
        early_media_and_then_busy,
        the_called_one_hangs_up,
        given_up_while_it_rings,
    }
    ringing {
        the_caller_gives_up,
        the_caller_leaves_the_queue,
        declined,
        declined_as_busy,
        declined_in_the_queue,
        answered_after_half_a_minute,
    }
    asleep {
        woken_and_talks,
        declined_and_rung_anew,
    }
    intercom {
        answered_by_itself,
        turned_off,
    }
    agent {
        a_day,
        rung_when_ready,
        not_disturbed,
        wraps_up,
        refused,
    }
    recording {
        by_hand,
        by_a_rule_that_lets_it_be_paused,
        refused,
    }
    features {
        an_agents,
        kept_inside,
    }
    team {
        seen,
    }
    supervision {
        until_the_call_is_over,
    }
    control {
        done,
        refused,
        left_open,
    }
    message {
        arrives,
        nobody_there,
    }
    several {
        a_blind_transfer_brings_the_customer_to_the_colleague,
        an_attended_transfer_brings_customer_and_colleague_together,
        swapped_the_one_talks_and_the_other_hears_music,
        joined_each_hears_the_two_others_and_left_they_talk_on,
    }
    sent_on {
        followed,
        followed_in_vain,
        sent_abroad,
        not_followed,
    }
    hold {
        by_the_agent,
        by_the_customer,
        by_both,
    }
}
