//! The test is tested: each known fault of the protocol is switched on in the real program, in a scenario in which it does
//! harm, and the checker has to find a violation of the promise that it breaks. The same scenario without the fault has to
//! pass. So nobody can remove one of these rules from the code, or blunt the checker, unseen.

mod leases;
mod sessions;
mod stage;

use stage::{Case, notice};

/// A scenario is a race that is made to happen, on a machine that others use, too: it may miss.
macro_rules! known_faults {
    ($($name:ident: $mutant:literal breaks $invariant:literal, pauses [$first:literal, $second:literal], $scenario:path;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let case = Case { mutant: $mutant, invariant: $invariant, pauses: [$first, $second] };
                notice(&case, $scenario).await;
            }
        )+
    };
}

known_faults! {
    a_head_that_is_read_before_the_row_is_there:
        "head-before-row" breaks "I1", pauses ["", "before-row:700,after-open:700,before-learning:1450"], leases::registration_during_a_revocation;
    a_lease_before_its_changes_are_applied:
        "lease-before-apply" breaks "I1", pauses ["", "before-apply:2500"], leases::renewal_during_a_revocation;
    a_lease_judged_after_the_state:
        "lease-last" breaks "I1", pauses ["", "after-state-read:1500"], leases::check_while_cut_off;
    a_fence_by_acknowledgement:
        "fence-by-ack" breaks "I1", pauses ["", "before-acknowledge:4000"], leases::two_revocations_in_a_row;
    a_lease_by_the_wall_clock:
        "wall-clock" breaks "I1", pauses ["", ""], leases::clock_set_back;
    a_memory_that_outlives_its_registration:
        "keep-memory" breaks "I1", pauses ["", ""], leases::return_after_a_fence;
    a_head_that_is_a_sequence:
        "sequence-head" breaks "I1", pauses ["sequence-drawn:1000", ""], sessions::overtaken_revocation;
    an_answer_before_the_commit:
        "ack-before-commit" breaks "I1", pauses ["", ""], sessions::check_right_after;
    a_stamp_at_the_end_of_a_sign_in:
        "stamp-at-end" breaks "I1", pauses ["before-issue:1500", ""], sessions::sign_in_during_a_new_password;
    a_use_that_makes_its_session_be_there:
        "upsert-refresh" breaks "I1", pauses ["", "before-noting:1000"], sessions::use_before_the_end;
    a_memory_of_unknown_tokens:
        "negative-cache" breaks "I3", pauses ["", ""], sessions::asked_before_it_was_there;
}
