/*
title = "Ränta som inte kan beräknas"
description = """
AR36, fail closed: what keeps late interest from being computed, one row for each half-year without a reference rate, each
unknown dunning code, and for claims without status; with how many claims wait and what they amount to.
"""
kind = "exception"
key = ["reason_code", "scope"]
catalogue = ["AR36"]
amount = "principal"

[exception]
queue = "kund-ranta"
queue_title = "Ränta som inte kan beräknas"
service_level = "SLA27"
why = "För {claims} förfallna fakturor kan dröjsmålsränta inte beräknas: {reason_sv}"
action = "Lägg in det som saknas i parametertabellen, eller låt den som sköter kravkoderna rätta posterna. Förslagen beräknas sedan av sig själva."

[columns]
reason_code = "rate_missing, status_missing or dunning_code_unknown"
scope = "first day of the half-year, or the dunning code"
claims = "claims that wait"
principal = "what is left of them"
reason_sv = "the reason in Swedish"
received_at = "beginning of the first day on which it was missing"
*/
with missing_rates as (
    select
        ar_interest_segment.item_id,
        'rate_missing' as reason_code,
        cast(
            cast(
                make_date(
                    cast(date_part('year', ar_interest_segment.from_date) as int),
                    case when date_part('month', ar_interest_segment.from_date) < 7 then 1 else 7 end,
                    1
                )
                as date
            )
            as string
        ) as scope,
        ar_interest_segment.principal,
        ar_interest_segment.from_date as since
    from ar_interest_segment
    where ar_interest_segment.rate is null
        and not ar_interest_segment.deferred
),

missing_codes as (
    select
        ar_interest_proposal.item_id,
        ar_interest_proposal.decision as reason_code,
        coalesce(ar_interest_proposal.dunning_code, '-') as scope,
        ar_item_balance.remaining as principal,
        ar_interest_proposal.first_day as since
    from ar_interest_proposal
    inner join ar_item_balance
        on ar_item_balance.item_id = ar_interest_proposal.item_id
    where ar_interest_proposal.decision in ('status_missing', 'dunning_code_unknown')
),

waiting as (
    select item_id, reason_code, scope, principal, since from missing_rates
    union all
    select item_id, reason_code, scope, principal, since from missing_codes
)

select
    reason_code,
    scope,
    count(distinct item_id) as claims,
    cast(sum(principal) as decimal(18, 2)) as principal,
    case reason_code
        when 'rate_missing' then concat('referensräntan för halvåret från ', scope, ' saknas.')
        when 'status_missing' then 'posterna finns inte i uttaget med kravstatus.'
        else concat('kravkoden ', scope, ' är okänd.')
    end as reason_sv,
    cast(coalesce(min(since), as_of()) as timestamp) as received_at
from waiting
group by reason_code, scope
