#!/usr/bin/env python3
"""Labelled questions for sutra_ask: wordings filled with real companies and days, answers computed here, in Python.

FOLDER holds the half of a year that is asked about: bars.csv, profiles.csv, names.json (how companies are called beside their
tickers and the names of profiles.csv, and companies that are not learned), texts.tsv, and wordings_PART.txt for each PART. Written are statements.jsonl, what
is to be learned, and PART.jsonl, the questions: one JSON object a line with id, category, question and expect, which is
{"type": "number", "value", "entity", "tolerance", "absolute"}, {"type": "entity", "entity"}, {"type": "entities",
"entities"}, {"type": "direction", "direction", "entity"}, {"type": "date", "date", "entity"}, {"type": "text",
"contains"} or {"type": "abstain"}. The same seed gives the same questions.

    tests/ask/make_questions.py tests/ask/half_2017 --statements OUT.jsonl        what is to be learned
    tests/ask/make_questions.py tests/ask/half_2017 --part build --rounds 2       the questions, on standard output

A line of wordings is `operation [argument...] [= TICKER] | question`, in sections of `[category]`. The question may hold
{c}, {c2}, {c3} (a company by ticker or name), {c's}, {name}, {ticker}, {TICKER}, {lower}, {day}, {day2}, {d1}, {d2}, {p} (a month, a
quarter, a half), {x} (a price), {v} (a volume), {n}, {sector}, {industry}, {city}, {u} (a company that is not learned),
{weekend}, {holiday}, {before}, {after}, {oldp}. Written less usually: {k}, {k2} (a company in lower case), {k's}, {typo} (a name with one
typing error), {cash} ($ and the ticker), {dx} (a day), {px} (a period of a month or more), {week} (one of some days).
"""
import argparse
import csv
import datetime
import json
import math
import pathlib
import random
import re
import statistics

MONTHS = "January February March April May June July August September October November December".split()
# Tickers that are words in lower case.
WORDS = {"mar", "met", "yum", "cop", "low", "all"}
ORDINALS = ["first", "second", "third", "fourth"]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


class Again(Exception):
    """The numbers drawn leave no clear answer: draw others."""


class Data:
    """Bars and profiles."""

    def __init__(self, folder):
        with open(folder / "profiles.csv", encoding="utf-8") as file:
            self.profiles = {row["ticker"]: row for row in csv.DictReader(file)}
        self.bars = {}
        with open(folder / "bars.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                bar = {key: float(row[key]) for key in ("open", "high", "low", "close", "volume")}
                self.bars.setdefault(row["ticker"], {})[row["day"]] = bar
        self.days = sorted({day for bars in self.bars.values() for day in bars})
        self.tickers = sorted(self.profiles)
        first, self.last = (datetime.date.fromisoformat(day) for day in (self.days[0], self.days[-1]))
        self.year, self.months = self.last.year, range(first.month, self.last.month + 1)
        every = (first + datetime.timedelta(days) for days in range((self.last - first).days))
        self.holidays = [day for day in (date.isoformat() for date in every if date.weekday() < 5) if day not in self.days]
        names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        self.short, self.unknown = names["short"], names["unknown"]
        with open(folder / "texts.tsv", encoding="utf-8") as file:
            self.texts = [line.rstrip("\n").split("\t") for line in file if line.strip()]

    def statements(self):
        """What is to be learned: contents with metadata."""
        for profile in self.profiles.values():
            content = (
                f"{profile['company']} ({profile['ticker']}) is a company in the {profile['sector']} sector, in the {profile['industry']}"
                f" industry, headquartered in {profile['headquarters']}, founded in {profile['founded']}."
            )
            metadata = {"source": "company_profile", "data_type": "profile", "company": profile["ticker"], "name": profile["company"]}
            metadata |= {key: profile[key] for key in ("sector", "industry", "headquarters", "founded")}
            yield content, metadata
        for ticker, day, content in self.texts:
            metadata = {"source": "text", "company": ticker, "date": day}
            yield content, {key: value for key, value in metadata.items() if value != "-"}
        for ticker, bars in self.bars.items():
            for day, bar in bars.items():
                prices = {key: f"{bar[key]:.2f}" for key in ("open", "high", "low", "close")}
                content = (
                    f"{self.profiles[ticker]['company']} ({ticker}) financial data for {day}: Stock opened at ${prices['open']}, closed at"
                    f" ${prices['close']}, with high of ${prices['high']} and low of ${prices['low']}. Trading volume was {bar['volume']:,.0f} shares."
                )
                metadata = {"source": "financial_market_data", "company": ticker, "date": day, "data_type": "daily_ohlcv"}
                metadata |= {f"price_{key}": value for key, value in prices.items()} | {"price_volume": f"{bar['volume']:.0f}"}
                yield content, metadata

    def inside(self, first, last):
        """The trading days of a period."""
        return [day for day in self.days if first <= day <= last]

    def column(self, ticker, metric, days):
        """The values of a metric."""
        return [self.bars[ticker][day][metric] for day in days]


def change(values):
    """In percent, from the first to the last."""
    return 100 * (values[-1] - values[0]) / values[0]


def logs(values):
    """Daily log returns."""
    return [math.log(after / before) for before, after in zip(values, values[1:], strict=False)]


def volatility(values):
    """Sample standard deviation of the daily log returns, in percent."""
    return 100 * statistics.stdev(logs(values))


def trend(values):
    """Up or down, where it is beyond doubt by line, fit and ends."""
    slope, _ = statistics.linear_regression(range(len(values)), values)
    fit = statistics.correlation(range(len(values)), values) ** 2
    moved = slope * len(values) / statistics.mean(values)
    if fit < 0.3 or abs(moved) < 0.02 or (moved > 0) != (change(values) > 0):
        raise Again
    return "up" if moved > 0 else "down"


def written_day(random_, day):
    """A day as people write it."""
    date = datetime.date.fromisoformat(day)
    month, number = MONTHS[date.month - 1], date.day
    ending = "th" if 10 <= number <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return random_.choice([
        day, day, f"{month} {number}, {date.year}", f"{month} {number}, {date.year}", f"{month[:3]} {number}, {date.year}",
        f"{number} {month} {date.year}", f"{date.month}/{number}/{date.year}", f"{month} {number}{ending}, {date.year}",
        f"{DAYS[date.weekday()]}, {month} {number}, {date.year}", f"the {number}{ending} of {month} {date.year}",
    ])


def written_period(random_, data, years=()):
    """A period as people write it, and its trading days."""
    year = random_.choice(years or [data.year])
    kind = random_.random()
    if kind < 0.55:
        month = random_.choice(data.months)
        name = MONTHS[month - 1]
        text = random_.choice([f"{name} {year}", f"{name} {year}", f"{name[:3]} {year}", f"{name} of {year}"])
        return text, data.inside(f"{year}-{month:02}-01", f"{year}-{month:02}-31")
    if kind < 0.93:
        quarter = random_.choice(sorted({(month + 2) // 3 for month in data.months}))
        ordinal = ORDINALS[quarter - 1]
        text = random_.choice([f"Q{quarter} {year}", f"Q{quarter} {year}", f"the {ordinal} quarter of {year}", f"{year} Q{quarter}"])
        return text, data.inside(f"{year}-{3 * quarter - 2:02}-01", f"{year}-{3 * quarter:02}-31")
    half = 1 + (data.months[0] > 6)
    return random_.choice([f"the {ORDINALS[half - 1]} half of {year}", f"H{half} {year}"]), data.days


def unusual_day(random_, day):
    """A day as some people write it; without the year it is the newest such day."""
    date = datetime.date.fromisoformat(day)
    month, number, weekday, year = MONTHS[date.month - 1], date.day, DAYS[date.weekday()], date.year
    ending = "th" if 10 <= number <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return random_.choice([
        f"{number} {month[:3]} {year}", f"{month[:3]}. {number}, {year}", f"{date:%m/%d/%y}", f"{year}/{date.month:02}/{number:02}",
        f"{weekday[:3]} {number} {month[:3]} {year}", f"{number}-{month[:3]}-{year}", f"{month[:3].lower()} {number} {year}",
        f"{weekday}, {number} {month} {year}", f"{month} the {number}{ending}, {year}", f"{month[:3]} {number} '{date:%y}",
        f"{number}{ending} {month[:3]} {year}", f"{weekday.lower()} {month.lower()} {number} {year}", f"{month} {number}", f"{day}",
        f"{number}{ending} of {month[:3].lower()} {year}", f"{weekday[:3]}. {month[:3]}. {number}, {year}",
    ])


def unusual_period(random_, data):
    """A period of a month or more as some people write it, and its trading days."""
    year, short = data.year, data.year % 100
    kind, months = random_.random(), data.months
    if kind < 0.4:
        month = random_.choice(months)
        name = MONTHS[month - 1]
        text = random_.choice([
            f"{name.lower()} {year}", f"{name[:3].lower()} '{short}", f"{name[:3]}-{short}", f"{year}-{month:02}", f"{month:02}/{year}",
            f"the month of {name} {year}", name, f"{name.lower()}",
        ])
        return text, data.inside(f"{year}-{month:02}-01", f"{year}-{month:02}-31")
    if kind < 0.7:
        quarter = random_.choice(sorted({(month + 2) // 3 for month in months}))
        text = random_.choice([
            f"q{quarter} {year}", f"{quarter}Q{short}", f"Q{quarter}/{year}", f"{quarter}q {year}", f"Q{quarter}-{short}",
            f"the {ORDINALS[quarter - 1]} quarter {year}", f"{quarter}{['st', 'nd', 'rd', 'th'][quarter - 1]} quarter of {year}", f"Q{quarter}",
        ])
        return text, data.inside(f"{year}-{3 * quarter - 2:02}-01", f"{year}-{3 * quarter:02}-31")
    first = random_.choice(months[:-1])
    last = random_.choice([month for month in months if month > first])
    one, other = MONTHS[first - 1], MONTHS[last - 1]
    text = random_.choice([
        f"{one} to {other} {year}", f"{one[:3]}-{other[:3]} {year}", f"{one[:3].lower()} through {other[:3].lower()} {year}",
        f"the months {one} to {other} {year}", f"the period from {one} until {other} {year}",
    ])
    return text, data.inside(f"{year}-{first:02}-01", f"{year}-{last:02}-31")


def written_week(random_, data):
    """A period of some days as people write it, and its trading days."""
    month = random_.choice(data.months)
    name, year = MONTHS[month - 1], data.year
    kind = random_.randrange(4)
    if kind == 0:
        monday = datetime.date(year, month, random_.randint(1, 25))
        monday -= datetime.timedelta(monday.weekday())
        friday = monday + datetime.timedelta(4)
        start, end = f"{MONTHS[monday.month - 1]} {monday.day}", f"{MONTHS[friday.month - 1][:3]} {friday.day}"
        text = random_.choice([f"the week of {start}, {year}", f"the week beginning {start}, {year}", f"the week ending {end}, {year}"])
        return text, data.inside(monday.isoformat(), friday.isoformat())
    if kind == 1:
        text = random_.choice([f"early {name} {year}", f"mid {name} {year}", f"late {name} {year}", f"mid-{name} {year}"])
        part = {"e": (1, 10), "m": (11, 20), "l": (21, 31)}[text[0]]
        return text, data.inside(f"{year}-{month:02}-{part[0]:02}", f"{year}-{month:02}-{part[1]:02}")
    if kind == 2:
        text, part = random_.choice([
            (f"the first half of {name} {year}", (1, 15)), (f"the second half of {name} {year}", (16, 31)),
            (f"the first two weeks of {name} {year}", (1, 14)), (f"the first ten days of {name} {year}", (1, 10)),
        ])
        return text, data.inside(f"{year}-{month:02}-{part[0]:02}", f"{year}-{month:02}-{part[1]:02}")
    start = random_.randint(1, 12)
    end = start + random_.randint(6, 14)
    text = random_.choice([f"{name} {start}-{end}, {year}", f"{start} to {end} {name} {year}", f"{name} {start} to {name} {end}", f"{start}-{end} {name[:3]} {year}"])
    return text, data.inside(f"{year}-{month:02}-{start:02}", f"{year}-{month:02}-{end:02}")


def mistyped(random_, name):
    """A name with one typing error behind the first letter of its longest word."""
    word = max(re.findall(r"[A-Za-z]+", name), key=len)
    if len(word) < 6:
        raise Again
    at = random_.randrange(1, len(word) - 1)
    kind = random_.randrange(3)
    if kind == 2 and word[at] == word[at + 1]:
        raise Again
    wrong = [word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:], word[:at] + word[at + 1] + word[at] + word[at + 2 :]][kind]
    return name.replace(word, wrong)


def clear(scores, count=1, largest=True):
    """The best `count` keys, where the next is clearly behind."""
    order = sorted(scores, key=scores.get, reverse=largest)
    if len(order) > count:
        inner, outer = scores[order[count - 1]], scores[order[count]]
        if abs(inner - outer) < 0.02 * max(abs(inner), abs(outer)):
            raise Again
    return order[:count]


class Drawn:
    """One question's companies, days and period, drawn when they are asked for."""

    def __init__(self, random_, data, ticker):
        self.random, self.data, self.slots = random_, data, {}
        self.companies = random_.sample(data.tickers, 3)
        if ticker:
            self.companies = [ticker] + [other for other in self.companies if other != ticker]
        self.period = self.day = self.threshold = self.count = self.group = None
        self.range = None
        self.fewest = 8

    def surface(self, ticker):
        """How the company is called."""
        kind = self.random.random()
        if kind < 0.4:
            return ticker
        return self.data.short.get(ticker, self.data.profiles[ticker]["company"]) if kind < 0.75 else self.data.profiles[ticker]["company"]

    def fill(self, wording):
        """The question."""
        return re.sub(r"\{([^}]+)\}", lambda match: self.slot(match[1]), wording)

    def slot(self, name):
        """The text of a slot; the same each time."""
        if name not in self.slots:
            self.slots[name] = self.draw(name)
        return self.slots[name]

    def draw(self, name):
        random_, data, first = self.random, self.data, self.companies[0]
        profile = data.profiles[first]
        if name in ("c", "c2", "c3"):
            return self.surface(self.companies[int(name[1:] or 1) - 1])
        if name == "c's":
            called = self.surface(first)
            return called if called.endswith("'s") else called + ("'" if called.endswith("s") else "'s")
        if name in ("ticker", "TICKER"):
            return first
        if name == "lower":
            return data.profiles[first]["company"].lower()
        if name == "name":
            return profile["company"]
        if name in ("day", "day2"):
            day = random_.choice([day for day in data.days if day != self.day])
            if name == "day":
                self.day = day
            return written_day(random_, day)
        if name in ("d1", "d2"):
            if not self.range:
                start = random_.randrange(len(data.days) - 12)
                end = random_.randrange(start + 10, len(data.days))
                self.range = (data.days[start], data.days[end])
            return written_day(random_, self.range[name == "d2"])
        if name == "p":
            text, self.period = written_period(random_, data)
            return text
        if name in ("k", "k2", "k's"):
            ticker = self.companies[name == "k2"]
            called = data.short.get(ticker, data.profiles[ticker]["company"]).lower()
            if len(ticker) > 2 and ticker.lower() not in WORDS and name != "k's" and random_.random() < 0.5:
                called = ticker.lower()
            return called + ("'s" if name == "k's" else "")
        if name == "typo":
            return mistyped(random_, data.short.get(first, profile["company"]))
        if name == "cash":
            return "$" + first
        if name == "dx":
            self.day = random_.choice(data.days)
            return unusual_day(random_, self.day)
        if name == "px":
            text, self.period = unusual_period(random_, data)
            return text
        if name == "week":
            text, self.period = written_week(random_, data)
            self.fewest = 3
            return text
        if name == "oldp":
            return written_period(random_, data, (2012, 2014, 2021))[0]
        if name == "x":
            self.threshold = -1.0
            return "\0x"
        if name == "v":
            self.threshold = -1.0
            return "\0v"
        if name == "n":
            self.count = random_.choice([5, 7, 10, 20, 30])
            return str(self.count)
        if name in ("sector", "industry"):
            self.group = (name, profile[name])
            return profile[name]
        if name == "city":
            self.group = ("headquarters", profile["headquarters"])
            return profile["headquarters"].split(",")[0]
        if name == "u":
            return random_.choice(data.unknown)
        if name == "weekend":
            start = datetime.date(data.year, data.months[0], 1)
            saturday = [day for day in (start + datetime.timedelta(i) for i in range(180)) if day.weekday() > 4]
            return written_day(random_, random_.choice(saturday).isoformat())
        if name == "holiday":
            return written_day(random_, random_.choice(data.holidays))
        if name == "before":
            return written_day(random_, f"{random_.choice([1998, 2009, data.year - 1])}-03-{random_.randint(10, 27)}")
        if name == "after":
            return written_day(random_, f"{random_.choice([data.year + 1, 2024, 2031])}-06-{random_.randint(10, 27)}")
        raise SystemExit(f"unknown slot {{{name}}}")

    def days(self):
        """The trading days that the question is about."""
        if self.period:
            return self.period
        if self.range:
            last = self.range[1] if "d2" in self.slots else self.data.days[-1]
            return self.data.inside(self.range[0], last)
        return self.data.days

    def members(self):
        """The companies of the group."""
        key, value = self.group
        return sorted(ticker for ticker, profile in self.data.profiles.items() if profile[key] == value)


def number(value, entity=None, tolerance=0.002, **more):
    """A number to be met."""
    expect = {"type": "number", "value": value, "tolerance": tolerance} | more
    return expect | {"entity": entity} if entity else expect


PERCENT = {"unit": "percent", "tolerance": 0.02, "absolute": 0.02}


def score(data, ticker, metric, days):
    """What companies are ranked by over a period."""
    if metric == "change":
        return change(data.column(ticker, "close", days))
    if metric == "volatility":
        return volatility(data.column(ticker, "close", days))
    if metric == "volume":
        return statistics.mean(data.column(ticker, "volume", days))
    return data.column(ticker, metric, days)[-1]


def answer(drawn, operation, arguments):
    """What is to be answered; raises Again where it is not clear."""
    data, first = drawn.data, drawn.companies[0]
    second = drawn.companies[1]
    days = drawn.days()
    metric = arguments[0] if arguments else None
    closes = data.column(first, "close", days)
    if len(days) < drawn.fewest:
        raise Again
    if operation == "abstain":
        return {"type": "abstain"}
    if operation == "text":
        text, _, entity = " ".join(arguments).partition(" #")
        return {"type": "text", "contains": text} | ({"entity": entity.strip()} if entity.strip() else {})
    if operation == "value":
        return number(data.bars[first][drawn.day][metric], first, 0.001)
    if operation in ("mean", "total", "max", "min", "median"):
        summed = {"mean": statistics.mean, "total": sum, "max": max, "min": min, "median": statistics.median}[operation]
        return number(summed(data.column(first, metric, days)), first)
    if operation == "range":
        return number(max(data.column(first, "high", days)) - min(data.column(first, "low", days)), first, 0.01)
    if operation == "change":
        ends = data.column(first, metric or "close", days)
        return number(change(ends), first, **PERCENT)
    if operation == "changeabs":
        return number(closes[-1] - closes[0], first, 0.01, absolute=0.006)
    if operation == "since":
        return number(change(closes), first, **PERCENT)
    if operation == "sincemax":
        return number(max(closes), first)
    if operation == "rose":
        if abs(change(closes)) < 3 or trend(closes) != ("up" if change(closes) > 0 else "down"):
            raise Again
        return {"type": "direction", "direction": "up" if change(closes) > 0 else "down", "entity": first}
    if operation == "trend":
        return {"type": "direction", "direction": trend(closes), "entity": first}
    if operation == "volatility":
        return number(volatility(closes), first, 0.02, unit="percent")
    if operation == "correlation":
        simple = [[b / a - 1 for a, b in zip(s, s[1:], strict=False)] for s in (closes, data.column(second, "close", days))]
        return number(statistics.correlation(*simple), None, 0.02, absolute=0.02)
    if operation == "when":
        kind, metric = arguments
        values = dict(zip(days, data.column(first, metric, days), strict=True))
        best = (max if kind == "max" else min)(values.values())
        if list(values.values()).count(best) > 1:
            raise Again
        if kind in ("firstabove", "firstbelow"):
            raise SystemExit("firstabove is an operation")
        return {"type": "date", "date": next(day for day, value in values.items() if value == best), "entity": first}
    if operation == "latest":
        return number(data.bars[first][data.days[-1]][metric], first, 0.001)
    if operation == "lastn":
        kind, metric = arguments if len(arguments) == 2 else (arguments[0], "close")
        values = data.column(first, metric, data.days[-drawn.count :])
        if kind == "change":
            return number(change(values), first, **PERCENT)
        if kind == "trend":
            return {"type": "direction", "direction": trend(values), "entity": first}
        summed = {"mean": statistics.mean, "total": sum, "max": max, "min": min, "median": statistics.median}[kind]
        return number(summed(values), first)
    if operation == "lastmonth":
        return number(change(data.column(first, "close", data.inside(f"{data.year}-{data.last.month - 1:02}-01", f"{data.year}-{data.last.month - 1:02}-31"))), first, **PERCENT)
    if operation in ("best", "worst", "secbest", "secworst", "citybest", "except"):
        among = drawn.members() if drawn.group else data.tickers
        if operation == "except":
            among = [ticker for ticker in data.tickers if ticker != first]
            everybody = {ticker: score(data, ticker, metric, days) for ticker in data.tickers}
            if max(everybody, key=everybody.get) != first:
                raise Again
        if len(among) < 2:
            raise Again
        best = clear({ticker: score(data, ticker, metric, days) for ticker in among}, 1, not operation.endswith("worst"))
        return {"type": "entity", "entity": best[0]}
    if operation in ("bestday", "worstday"):
        scores = {ticker: data.bars[ticker][drawn.day][metric] for ticker in data.tickers}
        return {"type": "entity", "entity": clear(scores, 1, operation == "bestday")[0]}
    if operation in ("topk", "bottomk"):
        scores = {ticker: score(data, ticker, arguments[1], days) for ticker in data.tickers}
        return {"type": "entities", "entities": clear(scores, int(metric), operation == "topk")}
    if operation in ("cmp", "cmpless", "cmp3"):
        among = drawn.companies[: 3 if operation == "cmp3" else 2]
        if metric == "close":
            scores = {ticker: data.bars[ticker][drawn.day]["close"] for ticker in among}
        else:
            scores = {ticker: score(data, ticker, metric, days) for ticker in among}
        return {"type": "entity", "entity": clear(scores, 1, operation != "cmpless")[0]}
    if operation == "cmpdiff":
        return number(abs(data.bars[first][drawn.day][metric] - data.bars[second][drawn.day][metric]), None, 0.001)
    if operation == "fact":
        profile = data.profiles[first]
        text = {"name": profile["company"]}.get(metric) or profile[metric]
        text = text.split(",")[0] if metric == "headquarters" else text
        return {"type": "text", "contains": text, "entity": first}
    if operation == "same":
        value = data.profiles[first][metric]
        others = [ticker for ticker in data.tickers if data.profiles[ticker][metric] == value and ticker != first]
        if not others:
            raise Again
        return {"type": "entities", "entities": others}
    if operation == "members":
        return {"type": "entities", "entities": drawn.members()}
    if operation == "countsector":
        return number(len(drawn.members()), None, 0)
    if operation == "path":
        sector = data.profiles[first]["sector"]
        if data.profiles[second]["sector"] != sector:
            raise Again
        return {"type": "text", "contains": sector}
    raise SystemExit(f"unknown operation {operation}")


def placed_threshold(drawn, operation, arguments, question):
    """Puts a threshold into the question that the values of the period lie on both sides of, and the answer to it."""
    data, first, days = drawn.data, drawn.companies[0], drawn.days()
    kind = arguments[0]
    values = data.column(first, "volume" if kind.startswith("vol") else "close", days)
    ordered = sorted(values)
    middle = ordered[int(drawn.random.uniform(0.25, 0.75) * len(ordered))]
    if kind.startswith("vol"):
        digits = 10 ** (len(str(int(middle))) - 2)
        limit = round(middle / digits) * digits
        text = f"{limit:,}"
    else:
        limit = round(middle) if middle > 40 else round(4 * middle) / 4
        text = f"{limit:g}" if limit == int(limit) else f"{limit:.2f}"
    above = [value > limit for value in values]
    below = [value < limit for value in values]
    hits = above if kind in ("above", "volabove", "firstabove") else below
    if sum(above) + sum(below) < len(values) or sum(above) < 2 or sum(below) < 2:
        raise Again
    question = question.replace("\0x", text).replace("\0v", text)
    if operation == "count":
        return question, number(sum(hits), first, 0)
    if operation == "yesno":
        return question, {"type": "text", "contains": "Yes" if any(hits) else "No", "entity": first}
    # When it first was so; on the first day it was not yet.
    if hits[0]:
        raise Again
    return question, {"type": "date", "date": days[hits.index(True)], "entity": first}


def ask(random_, data, operation, arguments, ticker, wording):
    """One question with its answer."""
    for _ in range(500):
        drawn = Drawn(random_, data, ticker)
        try:
            question = drawn.fill(wording)
            if drawn.threshold is not None:
                kind = "when" if arguments[0].startswith("first") else operation
                return placed_threshold(drawn, kind, arguments, question)
            if operation == "count":
                days = drawn.days()
                start = data.days.index(days[0])
                closes = data.column(drawn.companies[0], "close", data.days[max(0, start - 1) : start + len(days)])
                steps = [after - before for before, after in zip(closes, closes[1:], strict=False)]
                hits = [step > 0 if arguments[0] == "up" else step < 0 for step in steps]
                # With or without the step into the period it is the same number.
                if start > 0 and hits[0]:
                    continue
                return question, number(sum(hits), drawn.companies[0], 0)
            if operation == "ismember":
                key, value = drawn.group
                asked = random_.choice([drawn.companies[0], drawn.companies[1]])
                question = question.replace(drawn.slots["c"], drawn.surface(asked))
                there = data.profiles[asked][key] == value
                return question, {"type": "text", "contains": "Yes" if there else "No", "entity": asked}
            return question, answer(drawn, operation, arguments)
        except Again:
            continue
    raise SystemExit(f"no clear answer can be drawn for {operation} {arguments}: {wording}")


def wordings(path):
    """The lines of a file of wordings."""
    category = None
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            category = line[1:-1]
        elif line and not line.startswith("#"):
            what, _, wording = line.partition(" | ")
            what, _, ticker = what.partition(" = ")
            operation, *arguments = what.replace(" = ", " ").split()
            if ticker:
                ticker, *rest = ticker.split()
                arguments += rest
            yield category, operation, arguments, ticker or None, wording.strip()


def main():
    """Writes what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--statements", type=pathlib.Path, help="write what is to be learned to this file")
    parser.add_argument("--part", help="print the questions of wordings_PART.txt")
    parser.add_argument("--rounds", type=int, default=1, help="how often each wording is filled")
    parser.add_argument("--seed", type=int, default=2017)
    chosen = parser.parse_args()
    data = Data(chosen.folder)
    if chosen.statements:
        with open(chosen.statements, "w", encoding="utf-8") as file:
            for content, metadata in data.statements():
                file.write(json.dumps({"content": content, "metadata": metadata}, ensure_ascii=False) + "\n")
    if chosen.part:
        numbers, seen = {}, set()
        for round_ in range(chosen.rounds):
            for category, operation, arguments, ticker, wording in wordings(chosen.folder / f"wordings_{chosen.part}.txt"):
                random_ = random.Random(f"{chosen.seed} {chosen.part} {round_} {wording}")
                question, expect = ask(random_, data, operation, arguments, ticker, wording)
                if question not in seen:
                    seen.add(question)
                    numbers[category] = numbers.get(category, 0) + 1
                    row = {"id": f"{category}-{numbers[category]}", "category": category, "question": question, "expect": expect}
                    print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
