#!/usr/bin/env bash
# Makes a small sample bank in demo/, goes once round the loop, and shows what came out. Usage: demo.sh BIN
set -euo pipefail
bin=$1
on=1994-03-30
rm -rf demo
"$bin/cultiva" init demo --pack retail-bank
"$bin/cultiva" check demo
"$bin/cultiva" run demo --date "$on"
"$bin/cultiva" show demo grid
"$bin/cultiva" show demo segments --top 12
"$bin/cultiva" show demo strategies
"$bin/cultiva" count demo "aum >= 50000 and stage = 'mature'"
cat <<TXT

The report:     demo/reports/$on/run.html
The worklists:  demo/lists/$on/
Next:           $bin/cultiva why demo CUSTOMER --segment wealth_candidates
                $bin/cultiva show demo tags
                README.md, docs/tour.md
TXT
