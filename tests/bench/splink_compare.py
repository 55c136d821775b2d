"""Splink on the records of `cargo bench --bench identity`, for a figure to compare with.

    python3 -m venv /tmp/splink && /tmp/splink/bin/pip install splink==5.0.0 duckdb==2.0.0 pyarrow==26.0.1
    /tmp/splink/bin/python tests/bench/splink_compare.py target/tmp/identity/people-1.csv

Cleaned as one would for Splink (small letters without accents, numbers that nobody has left out), with its own comparisons for names,
dates and addresses, term frequencies, blocking rules wide enough to lose next to nothing, trained once by itself (expectation maximisation) and once with the
truth told; each at the threshold at which its F1 is best, which it could not know.
"""

import sys

import duckdb
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

connection = duckdb.connect()
connection.execute(
    f"""
    create table people as
    with raw as (select * from read_csv('{sys.argv[1]}', all_varchar = true)),
    clean as (
        select unique_id, entity, mrn,
            case when ssn = '' or ssn like '999%' or length(regexp_replace(ssn, '[^0-9]', '', 'g')) <> 9 then null
                 else regexp_replace(ssn, '[^0-9]', '', 'g') end as ssn,
            nullif(lower(strip_accents(family)), '') as family,
            nullif(lower(strip_accents(given)), '') as given,
            nullif(lower(strip_accents(middle)), '') as middle,
            nullif(lower(suffix), '') as suffix,
            case when length(born) = 4 then born || '-01-01' else nullif(born, '') end as born,
            case when sex = 'unknown' then null else sex end as sex,
            nullif(phone, '') as phone,
            nullif(lower(email), '') as email,
            nullif(lower(postal), '') as postal,
            nullif(lower(replace(replace(replace(replace(replace(replace(replace(street, ' Street', ' St'), ' Avenue', ' Ave'),
                ' Road', ' Rd'), ' Drive', ' Dr'), ' Lane', ' Ln'), ' Court', ' Ct'), ' Apt ', ' #')), '') as street
        from raw)
    select *, given || ' ' || family as name, substr(given, 1, 1) as initial, substr(family, 1, 3) as family3,
        substr(born, 1, 4) as year, substr(born, 6) as day from clean
    """
)

settings = SettingsCreator(
    link_type="dedupe_only",
    comparisons=[
        cl.ForenameSurnameComparison("given", "family", forename_surname_concat_col_name="name"),
        cl.DateOfBirthComparison("born", input_is_string=True),
        cl.JaroWinklerAtThresholds("middle", [0.9]),
        cl.ExactMatch("suffix"),
        cl.ExactMatch("sex"),
        cl.DamerauLevenshteinAtThresholds("phone", [1]),
        cl.EmailComparison("email"),
        cl.CustomComparison(
            output_column_name="address",
            comparison_levels=[
                cll.NullLevel("street"),
                cll.And(cll.ExactMatchLevel("street"), cll.ExactMatchLevel("postal")),
                cll.And(cll.DamerauLevenshteinLevel("street", 2), cll.ExactMatchLevel("postal")),
                cll.ExactMatchLevel("postal"),
                cll.ElseLevel(),
            ],
        ),
        cl.DamerauLevenshteinAtThresholds("ssn", [1]),
        cl.ExactMatch("mrn"),
    ],
    blocking_rules_to_generate_predictions=[
        block_on("ssn"),
        block_on("mrn"),
        block_on("phone"),
        block_on("email"),
        block_on("born", "initial"),
        block_on("born", "family3"),
        block_on("family", "given"),
        block_on("family", "year"),
        block_on("given", "day"),
        block_on("street", "postal", "initial"),
    ],
    additional_columns_to_retain=["entity"],
)

entity = dict(connection.execute("select unique_id, entity from people").fetchall())
of_entity = {}
for one in entity.values():
    of_entity[one] = of_entity.get(one, 0) + 1
true_pairs = sum(n * (n - 1) // 2 for n in of_entity.values())
print(f"Splink, {len(entity)} records, {true_pairs} of them a second time")


def figures(pairs, least):
    found = [pair for pair in pairs if pair["match_weight"] >= least]
    right = sum(1 for pair in found if entity[pair["unique_id_l"]] == entity[pair["unique_id_r"]])
    precision, recall = right / max(1, len(found)), right / true_pairs
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return precision, recall, f1, len(found) - right


for told in [False, True]:
    linker = Linker(DuckDBAPI(connection=connection).register("people"), settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("given", "family", "born"), block_on("ssn")], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    if told:
        linker.training.estimate_m_from_label_column("entity")
    else:
        # Each column's weights are learnt where another one is the block.
        for rule in [block_on("born"), block_on("given", "family"), block_on("email"), block_on("phone", "given")]:
            linker.training.estimate_parameters_using_expectation_maximisation(
                rule, max_pairs=5e6, record_sample_proportion=1.0
            )
    pairs = linker.inference.predict(threshold_match_probability=0.001).as_record_list()
    best = max((step / 2 for step in range(-20, 80)), key=lambda least: figures(pairs, least)[2])
    print("told the truth" if told else "by itself")
    for what, least in [(f"at its best (weight {best})", best), ("probability 0.95", 4.25), ("probability 0.5", 0.0)]:
        precision, recall, f1, wrong = figures(pairs, least)
        print(f"  {what:<36} precision {precision:.4f}  recall {recall:.4f}  F1 {f1:.4f}  wrong {wrong}")
