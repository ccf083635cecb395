# SPDX-License-Identifier: Apache-2.0
"""What is driven on MongoDB beside what is always driven on one box: the way of a visit, of a contract's review and of the digests. With BF_SOAK=1 the whole
of these files."""
_OF_EACH = {
    "test_contracts.py": ("test_G_05_rejection_retake_approval",),
    "test_digests.py": ("test_REM_18_the_daily_digest_says_what_was_left_undone_and_what_was_done",),
    "test_media.py": ("test_a_picture_uploaded_before_its_visit_gets_its_sizes",),
    "test_push.py": ("test_the_phone_decrypts_the_next_step_of_a_visit_and_an_event_stream_shows_it",),
}
_OF_DAEMONS = {
    "test_contracts.py": ("test_CON_03_pages_may_come_before_the_contract_or_after_it", "test_G_05_of_two_reviewers_at_once_one_wins_and_the_other_sees_who_holds_it",
                          "test_G_05_a_claim_holds_30_minutes_unless_it_is_renewed", "test_a_change_is_seen_live_by_the_other_reviewer"),
    "test_digests.py": ("test_the_same_window_is_told_once_though_the_server_is_killed_and_the_clock_goes_back",),
    "test_media.py": ("test_a_visit_may_come_before_the_bytes_it_names", "test_g03_a_voice_only_visit_counts_once_its_text_was_confirmed"),
}
# They look at a process, at its metrics, or into the files of a directory.
_OF_ONE_BOX = {
    "test_a_page_that_cannot_be_decoded_is_awaited_until_another_comes",
}


def is_chosen(layout, file, test, everything):
    chosen = _OF_EACH.get(file, ()) + (_OF_DAEMONS.get(file, ()) if layout == "daemons" else ())
    return (everything or test in chosen) and test not in _OF_ONE_BOX
