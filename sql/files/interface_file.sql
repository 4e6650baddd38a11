/*
title = "Filer per integration"
description = """AP04, AR02, GL42: each received file, the interface of ref_interface that it came through, and the business date it is for.
The interface is the one of its landing place whose pattern the name fits, upper and lower case alike; when several fit,
that with the longest pattern. The business date is the extract's own date; else the date in the file's name (eight
digits, or YYYY-MM-DD); else the day of arrival in UTC. Test files are no deliveries."""
kind = "table"
key = ["file_id"]

[columns]
file_id = "the file"
interface = "interface; null when no row of ref_interface fits"
area = "AP, AR or GL: who answers for the interface; GL for a file of no known interface"
department = "department (förvaltning) of the sender; null when there is no single one"
landing = "landing place"
name = "file name at the landing place"
business_date = "day that the file is for"
status = "accepted or refused"
reason_code = "why it was refused"
reason = "the same in Swedish"
received_at = "when it arrived"
record = "reference to the file"
*/
with dated as (
    select
        file_id,
        landing,
        name,
        status,
        reason_code,
        reason,
        received_at,
        coalesce(
            extracted_on,
            try_cast(
                array_to_string(regexp_match(name, '(20[0-9]{2})-?([01][0-9])-?([0-3][0-9])'), '-') as date
            ),
            cast(received_at as date)
        ) as business_date,
        record_ref('file', file_id, ordinal, byte_start, byte_end) as record
    from file
    where status <> 'test'
),

fitting as (
    select
        dated.file_id,
        ref_interface.interface,
        ref_interface.area,
        ref_interface.department,
        row_number() over (
            partition by dated.file_id
            order by length(ref_interface.name_pattern) desc, ref_interface.interface
        ) as place
    from dated
    inner join ref_interface
        on ref_interface.landing = dated.landing
    where upper(dated.name) like upper(ref_interface.name_pattern)
        and ref_interface.valid_from <= dated.business_date
        and (ref_interface.valid_to is null or ref_interface.valid_to >= dated.business_date)
)

select
    dated.file_id,
    fitting.interface,
    coalesce(fitting.area, 'GL') as area,
    fitting.department,
    dated.landing,
    dated.name,
    dated.business_date,
    dated.status,
    dated.reason_code,
    dated.reason,
    dated.received_at,
    dated.record
from dated
left join fitting
    on fitting.file_id = dated.file_id
    and fitting.place = 1
