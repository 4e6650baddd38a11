/*
title = "Fel i kundregistret"
description = """
AR45 and AR04: each open customer of the register and each fault that the registers show.

invalid_identity: no number, or one whose check digit or form is wrong. duplicate: another open customer of the same client has the same number.
deceased, moved, name, address: what the population register says of a person (moved: after the customer was registered, to another address); closed, bankrupt, name, address: what the company register says of an organisation.
no_channel: no way to deliver invoices. protection_missing: the population register protects the person and the customer register does not.
inactive: not used for P:customer_inactive_months months. Names agree when they are alike to P:customer_name_similarity per cent, in whatever order
and case; addresses when letters and digits are the same.

Of a protected person nothing is said but the customer number and the fault; neither moves nor names are compared."""
kind = "table"
key = ["client", "customer_id", "fault"]
catalogue = ["AR45", "AR04"]

[columns]
client = "client of the ERP"
customer_id = "customer number"
fault = "what is wrong"
fault_sv = "the same in Swedish"
advice_sv = "what to do, in Swedish"
other_customer_id = "the first other customer with the same number"
is_protected = "true when a register protects the person"
is_new = "true when registered within P:customer_new_days days"
registered_on = "day of registration"
received_at = "when the extract arrived"
record = "reference to the customer's record; null of a protected person"
*/
with limits as (
    select
        cast(max(case when name = 'customer_inactive_months' then value end) as bigint) as inactive_months,
        cast(max(case when name = 'customer_new_days' then value end) as bigint) as new_days,
        cast(max(case when name = 'customer_name_similarity' then value end) as bigint) as name_similarity
    from param
    where name in ('customer_inactive_months', 'customer_new_days', 'customer_name_similarity')
        and valid_from <= as_of()
        and (valid_to is null or valid_to >= as_of())
),

customers as (
    select
        customer.client,
        customer.customer_id,
        customer.name,
        customer.address,
        customer.identity,
        coalesce(person_number(customer.identity, as_of()), organisation_number(customer.identity)) as number,
        customer.channel,
        customer.protection,
        customer.registered_on,
        coalesce(customer.last_used_on, customer.registered_on) as last_used_on,
        customer.received_at,
        record_ref('customer', customer.file_id, customer.ordinal, customer.byte_start, customer.byte_end) as record
    from customer
    inner join (
        select max(extracted_on) as extracted_on
        from customer
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = customer.extracted_on
    where customer.closed_on is null or customer.closed_on > as_of()
),

persons as (
    select
        population_record.identity,
        population_record.name,
        population_record.address,
        population_record.protection,
        population_record.deceased_on,
        population_record.moved_on
    from population_record
    inner join (
        select max(extracted_on) as extracted_on
        from population_record
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = population_record.extracted_on
),

companies as (
    select
        company_record.organisation_number,
        company_record.name,
        company_record.address,
        company_record.closed_on,
        company_record.bankrupt_on
    from company_record
    inner join (
        select max(extracted_on) as extracted_on
        from company_record
        where extracted_on <= as_of()
    ) as latest
        on latest.extracted_on = company_record.extracted_on
),

duplicates as (
    select
        client,
        number,
        min(customer_id) as first_customer,
        max(customer_id) as last_customer
    from customers
    where number is not null
    group by client, number
    having count(*) > 1
),

compared as (
    select
        customers.*,
        limits.new_days,
        limits.inactive_months,
        limits.name_similarity,
        case
            when customers.customer_id = duplicates.first_customer then duplicates.last_customer
            else duplicates.first_customer
        end as other_customer_id,
        coalesce(customers.protection, persons.protection) is not null as is_protected,
        persons.protection as registered_protection,
        persons.deceased_on,
        persons.moved_on,
        companies.closed_on,
        companies.bankrupt_on,
        coalesce(persons.name, companies.name) as registered_name,
        regexp_replace(upper(customers.address), '[^\p{L}\p{N}]', '', 'g') as address_key,
        regexp_replace(upper(coalesce(persons.address, companies.address)), '[^\p{L}\p{N}]', '', 'g')
            as registered_address_key
    from customers
    cross join limits
    left join duplicates
        on duplicates.client = customers.client
        and duplicates.number = customers.number
    left join persons
        on persons.identity = customers.number
    left join companies
        on companies.organisation_number = customers.number
),

faults as (
    select client, customer_id, 'invalid_identity' as fault
    from compared
    where number is null
    union all
    select client, customer_id, 'duplicate' as fault
    from compared
    where other_customer_id is not null
    union all
    select client, customer_id, 'deceased' as fault
    from compared
    where deceased_on <= as_of()
    union all
    select client, customer_id, 'closed' as fault
    from compared
    where closed_on <= as_of()
    union all
    select client, customer_id, 'bankrupt' as fault
    from compared
    where bankrupt_on <= as_of()
    union all
    select
        client,
        customer_id,
        case when moved_on > registered_on then 'moved' else 'address' end as fault
    from compared
    where not is_protected
        and deceased_on is null
        and address_key <> registered_address_key
    union all
    select client, customer_id, 'name' as fault
    from compared
    where not is_protected
        and similarity(name, registered_name) < name_similarity
    union all
    select client, customer_id, 'no_channel' as fault
    from compared
    where channel is null
    union all
    select client, customer_id, 'protection_missing' as fault
    from compared
    where registered_protection is not null
        and protection is null
    union all
    select client, customer_id, 'inactive' as fault
    from compared
    -- whole months from the last use to the as-of
    where (date_part('year', as_of()) - date_part('year', last_used_on)) * 12
        + date_part('month', as_of()) - date_part('month', last_used_on)
        - case when date_part('day', as_of()) < date_part('day', last_used_on) then 1 else 0 end >= inactive_months
)

select
    faults.client,
    faults.customer_id,
    faults.fault,
    case faults.fault
        when 'invalid_identity' then 'person- eller organisationsnumret saknas eller är fel'
        when 'duplicate' then 'en annan kund har samma nummer'
        when 'deceased' then 'kunden är avliden'
        when 'closed' then 'företaget är avregistrerat'
        when 'bankrupt' then 'företaget är i konkurs'
        when 'moved' then 'kunden har flyttat'
        when 'address' then 'adressen är inte registrets'
        when 'name' then 'namnet är inte registrets'
        when 'no_channel' then 'det saknas sätt att leverera fakturor'
        when 'protection_missing' then 'kunden har skyddade personuppgifter som inte är markerade'
        else 'kunden har inte använts på länge'
    end as fault_sv,
    case faults.fault
        when 'invalid_identity' then 'Ta reda på rätt nummer och rätta kunden.'
        when 'duplicate' then 'Behåll en av kunderna, flytta det som är öppet och avsluta den andra.'
        when 'deceased' then 'Märk kunden som dödsbo och ta reda på vem som företräder boet.'
        when 'closed' then 'Avsluta kunden när inget är öppet.'
        when 'bankrupt' then 'Bevaka fordringarna i konkursen. Skicka inga nya fakturor utan beslut.'
        when 'moved' then 'Byt till registrets adress.'
        when 'address' then 'Byt till registrets adress, eller anteckna varför kunden har en annan.'
        when 'name' then 'Kontrollera att det är rätt kund och rätta namnet.'
        when 'no_channel' then 'Välj brev eller den kanal som kunden är ansluten till.'
        when 'protection_missing'
            then 'Märk kunden som skyddad i den skyddade zonen. Lägg inga uppgifter om kunden här.'
        else 'Avsluta kunden om inget är öppet.'
    end as advice_sv,
    case when faults.fault = 'duplicate' then compared.other_customer_id end as other_customer_id,
    compared.is_protected,
    cast(compared.registered_on as int) >= cast(as_of() as int) - compared.new_days as is_new,
    compared.registered_on,
    compared.received_at,
    case when not compared.is_protected then compared.record end as record
from faults
inner join compared
    on compared.client = faults.client
    and compared.customer_id = faults.customer_id
