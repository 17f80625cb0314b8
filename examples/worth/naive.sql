-- Two comparisons that need no holdout, and that nobody should believe.
WITH money AS (
    SELECT customer_id,
           sum(contribution) FILTER (WHERE business_date = DATE '1994-03-30') AS four_weeks_before,
           sum(contribution) FILTER (WHERE business_date > DATE '1994-03-30') AS four_weeks_after
    FROM read_parquet('sim/loop/workspace/.cultiva/lake/performance/*/*/*.parquet')
    GROUP BY customer_id
),
contacted AS (
    SELECT DISTINCT customer_id
    FROM read_parquet('sim/loop/workspace/.cultiva/lake/decisions/*/*/*.parquet')
    WHERE strategy = 'family_protection' AND fate = 'chosen' AND business_date < DATE '1994-04-27'
)
SELECT CASE WHEN contacted.customer_id IS NULL THEN 'not contacted' ELSE 'contacted' END AS customers,
       count(*) AS number,
       round(avg(four_weeks_before), 2) AS before,
       round(avg(four_weeks_after), 2) AS after
FROM money LEFT JOIN contacted USING (customer_id)
GROUP BY 1
ORDER BY 1;
