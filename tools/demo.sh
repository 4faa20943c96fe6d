#!/bin/sh
# The demo run that `make run` makes where there is no terminal: one head sweep a condition on the bundled model.
set -eu
program=$1
mkdir -p runs
for condition in facts negation counterfactual logic ioi; do
    "$program" --export "runs/demo-$condition" --data "$condition"
done
echo "Results:"
for condition in facts negation counterfactual logic ioi; do
    echo "  runs/demo-$condition/artifacts/impact_heatmap.png  runs/demo-$condition/metrics/head_impact.csv"
done
