#!/usr/bin/env python3
"""Whether profiles of companies become the right entities, names, facts and mentions.

    tests/eval/profiles.py constituents.csv [--psql 'psql -d mydb'] [--keep]

The file lists companies with the columns Symbol, Security, GICS Sector, GICS Sub-Industry, Headquarters Location and Founded,
as public lists of the S&P 500 do. Each becomes a profile that is learned in the space eval_profiles; sentences about each are
then learned too: its name in running text, with a possessive, with its ticker in brackets, and its ticker alone. Needs psql and
a database with the extension; what was learned is forgotten at the end unless --keep is given. Prints each figure with what
disagrees, and ends with 1 when something that metadata state was not learned so.
"""
import argparse
import csv
import json
import subprocess
import sys

SPACE = "eval_profiles"
# Words in capitals and single letters that are tickers, and here are none.
DECOYS = [
    "IT spending rose, and ALL of it went to A few firms.",
    "A COST of 5 and a LOW price are KEY, so NOW is the time; WELL, SO be it.",
    "ARE YOU ON? THE CAT HAS A FAST CAR.",
    "The CEO and the CFO of the company spoke about EPS, GAAP and the SEC.",
    "It was all low, on key, and now so well: a fast cat has cost it.",
    "Plan C and vitamin D helped; see exhibit A, appendix F and figure V.",
]
SENTENCES = {
    "a name in a sentence": "Analysts prefer {name} to its rivals.",
    "a possessive": "They said that {name}'s revenue rose 3% last year.",
    "a name with its ticker": "Shares of {name} ({symbol}) fell on Friday.",
    "a ticker with its exchange": "It holds shares of three firms (NYSE: {symbol}).",
}


def run(psql, sql, errors=False):
    """Rows of the last statement, as JSON; an error ends the program, or is the row."""
    command = psql.split() + ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(command, input=f"SET sutra.space = '{SPACE}';\n{sql}", capture_output=True, text=True)
    if done.returncode:
        if errors:
            return [done.stderr.splitlines()[0]]
        sys.exit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def literal(value):
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def learn(psql, statements):
    """Learns (content, metadata) and returns the ids in order."""
    ids = []
    for start in range(0, len(statements), 100):
        part = statements[start : start + 100]
        contents = ", ".join(literal(content) for content, _ in part)
        metadata = ", ".join(literal(json.dumps(metadata)) for _, metadata in part)
        rows = run(psql, f"SELECT to_json(l::text) FROM sutra_learn_batch(ARRAY[{contents}], ARRAY[{metadata}]::jsonb[]) WITH ORDINALITY AS l (l, n) ORDER BY n;")
        ids += rows
    return ids


def mentions(psql, ids):
    """The tickers of the companies that each statement mentions."""
    listed = ", ".join(literal(one) for one in ids)
    rows = run(psql, f"""SELECT json_build_object('id', a.source::text, 'ticker', e.metadata->>'ticker')
        FROM sutra.association AS a JOIN sutra.concept AS e ON e.space = a.space AND e.id = a.target
        WHERE a.space = '{SPACE}' AND a.relation = 'mentions' AND e.metadata ? 'ticker' AND a.source::text IN ({listed});""")
    found = {one: set() for one in ids}
    for row in rows:
        found[row["id"]].add(row["ticker"])
    return [found[one] for one in ids]


def report(what, right, count, wrong):
    """Prints a figure with the first of what disagrees."""
    print(f"{what}: {right} of {count}")
    for line in wrong[:12]:
        print(f"    {line}")


def main():
    """Learns and compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--psql", default="psql")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    with open(arguments.file, encoding="utf-8", newline="") as file:
        companies = list(csv.DictReader(file))
    psql = arguments.psql
    forget = f"DELETE FROM sutra.concept WHERE space = '{SPACE}';"
    run(psql, forget)
    profiles = []
    for company in companies:
        content = (
            f"{company['Security']} ({company['Symbol']}) is a company in the {company['GICS Sector']} sector, in the"
            f" {company['GICS Sub-Industry']} industry, headquartered in {company['Headquarters Location']}."
        )
        profiles.append((content, {
            "company": company["Symbol"], "name": company["Security"], "sector": company["GICS Sector"],
            "industry": company["GICS Sub-Industry"], "headquarters": company["Headquarters Location"], "founded": company["Founded"],
        }))
    ids = learn(psql, profiles)
    failed = False

    found = mentions(psql, ids)
    wrong = [f"{company['Symbol']}: {sorted(tickers)}" for company, tickers in zip(companies, found) if company["Symbol"] not in tickers]
    report("profiles that mention their company", len(ids) - len(wrong), len(ids), wrong)
    failed |= bool(wrong)
    wrong = [f"{content[:90]}: {sorted(tickers - {metadata['company']})}" for (content, metadata), tickers in zip(profiles, found) if tickers - {metadata["company"]}]
    report("profiles that mention no other company", len(ids) - len(wrong), len(ids), wrong)

    facts = {(row["ticker"], row["relation"]): row["value"] for row in run(psql, f"""
        SELECT json_build_object('ticker', s.metadata->>'ticker', 'relation', a.relation, 'value', t.content)
        FROM sutra.association AS a JOIN sutra.concept AS s ON s.space = a.space AND s.id = a.source
        JOIN sutra.concept AS t ON t.space = a.space AND t.id = a.target
        WHERE a.space = '{SPACE}' AND a.relation IN ('sector', 'industry', 'headquarters') AND s.metadata ? 'ticker';""")}
    wrong, count = [], 0
    for _, metadata in profiles:
        for relation in ("sector", "industry", "headquarters"):
            count += 1
            if facts.get((metadata["company"], relation)) != metadata[relation]:
                wrong.append(f"{metadata['company']} {relation}: {facts.get((metadata['company'], relation))}, not {metadata[relation]}")
    report("facts as in the metadata", count - len(wrong), count, wrong)
    failed |= bool(wrong)

    # Two share classes have one name, and are told apart by their tickers only.
    names = [company["Security"] for company in companies]
    for what, key in (("tickers", "Symbol"), ("names", "Security")):
        wrong = []
        asked = [company for company in companies if key == "Symbol" or names.count(company[key]) == 1]
        for company in asked:
            sql = f"""SELECT json_build_object('ticker', c.metadata->>'ticker') FROM sutra.concept AS c
                WHERE c.space = '{SPACE}' AND c.id = sutra_concept({literal(company[key])});"""
            rows = run(psql, sql, errors=True)
            if rows != [{"ticker": company["Symbol"]}]:
                wrong.append(f"{company[key]}: {rows}")
        report(f"{what} that name their company", len(asked) - len(wrong), len(asked), wrong)
        failed |= bool(wrong)

    for what, sentence in SENTENCES.items():
        said = [(sentence.format(name=company["Security"], symbol=company["Symbol"]), {}) for company in companies]
        found = mentions(psql, learn(psql, said))
        wrong = [f"{content}: {sorted(tickers)}" for (content, _), company, tickers in zip(said, companies, found) if tickers != {company["Symbol"]}]
        report(f"mentions by {what}", len(said) - len(wrong), len(said), wrong)
    found = mentions(psql, learn(psql, [(decoy, {}) for decoy in DECOYS]))
    wrong = [f"{decoy}: {sorted(tickers)}" for decoy, tickers in zip(DECOYS, found) if tickers]
    report("sentences with words that look like tickers and mention none", len(DECOYS) - len(wrong), len(DECOYS), wrong)
    if not arguments.keep:
        run(psql, forget)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
