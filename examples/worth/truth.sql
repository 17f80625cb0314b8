-- What the readouts say beside what only the simulator knows, per customer and before cost.
SELECT claim.strategy,
       claim.customers,
       round(claim.effect, 2) AS readout,
       round(claim.low, 2) AS "from",
       round(claim.high, 2) AS "to",
       round(claim.truth, 2) AS truth,
       round(claim.cost / claim.customers, 2) AS cost,
       claim.verdict
FROM (SELECT unnest(strategies) AS claim FROM read_json('sim/loop/workspace/reports/*/flight.json'))
WHERE claim.strategy IN ('(all)', 'wealth_upgrade', 'pension_day_visit', 'merchant_growth', 'family_protection', 'car_owner_card');
