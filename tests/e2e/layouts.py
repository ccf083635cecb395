# SPDX-License-Identifier: Apache-2.0
"""What is driven on MongoDB beside what is always driven on one box: the way of a visit, of a contract's review and of the digests. With BF_SOAK=1 the whole
of these files."""
_OF_EACH = {
    "test_contracts.py": ("test_G_05_rejection_retake_approval",),
    "test_digests.py": ("test_REM_18_the_daily_digest_says_what_was_left_undone_and_what_was_done",),
    "test_push.py": ("test_the_phone_decrypts_the_next_step_of_a_visit_and_an_event_stream_shows_it",),
}
_OF_DAEMONS = {
    "test_contracts.py": ("test_CON_03_pages_may_come_before_the_contract_or_after_it", "test_G_05_of_two_reviewers_at_once_one_wins_and_the_other_sees_who_holds_it",
                          "test_G_05_a_claim_holds_30_minutes_unless_it_is_renewed", "test_a_change_is_seen_live_by_the_other_reviewer"),
    "test_digests.py": ("test_the_same_window_is_told_once_though_the_server_is_killed_and_the_clock_goes_back",),
    "test_media.py": ("test_a_visit_may_come_before_the_bytes_it_names",),
}
# They look at a process, at its metrics, or into the files of a directory.
_OF_ONE_BOX = {
    "test_a_page_that_cannot_be_decoded_is_awaited_until_another_comes",
    "test_bytes_called_stored_stay_when_the_upload_is_deleted_before_their_turn_comes",
    "test_a_push_service_that_says_gone_retires_the_device_until_it_subscribes_anew",
    "test_a_message_that_another_run_takes_over_on_its_way_is_settled_by_that_one",
}
# They go by the order in which one process tells what is due (Bell), or by what one process sends to one person at a time.
_OF_ONE_PUSH = {
    "test_a_person_whose_push_service_does_not_answer_holds_up_nobody_else",
    "test_G_02_none_on_a_day_of_rest_but_on_a_make_up_saturday",
    "test_G_02_the_weekly_one_comes_on_the_first_working_day_of_the_week",
    "test_REM_01_a_rep_is_reminded_of_customers_by_grade",
    "test_D_02_an_idle_rep_makes_one_talk_task_in_an_idle_spell",
    "test_D_02_the_talk_with_an_idle_rep_is_the_deputys",
    "test_who_moves_to_another_zone_is_told_by_the_clock_there",
    "test_whom_it_is_for_follows_role_and_freeze",
    "test_REM_18_a_deputy_is_told_while_the_leader_is_away",
    "test_a_long_time_in_four_zones_with_restarts",
}


def is_chosen(layout, file, test, everything):
    chosen = _OF_EACH.get(file, ()) + (_OF_DAEMONS.get(file, ()) if layout == "daemons" else ())
    one_of_many = layout == "daemons" and test in _OF_ONE_PUSH
    return (everything or test in chosen) and test not in _OF_ONE_BOX and not one_of_many
