SELECT rank, kind, answer, confidence, cardinality(evidence) AS evidence FROM sutra_ask('AAPL trend', 3);
SELECT kind, answer, value, confidence FROM sutra_ask('What was the closing price of Microsoft on 2019-03-15?', 1);
SELECT kind, answer, confidence FROM sutra_ask('latest price of NVDA', 1);
SELECT kind, answer, confidence FROM sutra_ask('highest price of Boeing in March 2019', 1);
SELECT kind, answer, confidence FROM sutra_ask('lowest close of Walmart between 2019-02-01 and 2019-05-31', 1);
SELECT kind, answer, confidence FROM sutra_ask('Where is Intel headquartered?', 1);
SELECT kind, answer, explanation FROM sutra_ask('What was the price of Volkswagen on 2019-03-15?', 1);
