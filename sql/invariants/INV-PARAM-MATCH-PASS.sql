/*
title = "Varje matchningspass är påslaget eller avslaget, en gång"
description = """AR35, B12, fail closed: a pass without a row in ref_match_pass matches nothing, so each must have one in force on the as-of."""
key = ["pass"]
*/
with required as (
    select pass
    from (values ('P1'), ('P2'), ('P3'), ('P4'), ('P5'), ('P6'), ('P7'), ('P8'), ('series'), ('text')) as names (pass)
)

select
    required.pass,
    count(ref_match_pass.pass) as rows_in_force
from required
left join ref_match_pass
    on ref_match_pass.pass = required.pass
    and ref_match_pass.valid_from <= as_of()
    and (ref_match_pass.valid_to is null or ref_match_pass.valid_to >= as_of())
group by
    required.pass
having count(ref_match_pass.pass) <> 1
