#!/usr/bin/env bash
# A simulated bank of 20,000 customers lives eight weeks of the loop; then what was it worth, beside the truth?
# Usage: demo.sh BIN
set -euo pipefail
bin=$1
rm -rf demo
"$bin/cultiva" simulate ordinary --weeks 8 --customers 20000 --folder demo
cat <<TXT

The bank's deliveries are in demo/loop/bank, its workspace (text files, lake, reports) is demo/loop/workspace.
Next:  $bin/cultiva review demo/loop/workspace --strategy family_protection
       $bin/cultiva show demo/loop/workspace grid
       $bin/cultiva simulate list
       make serve          opens the console on this bank, with a login for each role
       README.md, docs/guides/worth.md
TXT
