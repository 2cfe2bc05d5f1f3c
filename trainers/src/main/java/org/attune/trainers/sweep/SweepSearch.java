package org.attune.trainers.sweep;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Chooses the values of the next trial. They follow from the plan and the trials before, so a
/// sweep that goes on tries what it would have tried.
///
/// @param smaller whether a smaller result is better
record SweepSearch(SweepPlan plan, boolean smaller) {
    private static final int RANDOM_FIRST = 10;
    private static final int CANDIDATES = 24;
    private static final int MOST_GOOD = 25;

    /// The values of a trial.
    ///
    /// @param number of the trial, from 0
    /// @param before trials that have ended
    public Map<String, Double> next(int number, List<SweepTrial> before) {
        return switch (plan.strategy()) {
            case GRID -> grid(number);
            case RANDOM -> random(number);
            case TPE -> {
                List<SweepTrial> told = before.stream().filter(t -> t.score().isPresent()).toList();
                yield told.size() < RANDOM_FIRST ? random(number) : tpe(number, told);
            }
        };
    }

    private Map<String, Double> grid(int number) {
        Map<String, Double> values = new LinkedHashMap<>();
        int rest = number;
        for (var range : plan.ranges().entrySet()) {
            List<Double> all = range.getValue().grid();
            values.put(range.getKey(), all.get(rest % all.size()));
            rest /= all.size();
        }
        return values;
    }

    private SweepDraws draws(int number) {
        return new SweepDraws(plan.seed(), number);
    }

    private Map<String, Double> random(int number) {
        SweepDraws random = draws(number);
        Map<String, Double> values = new LinkedHashMap<>();
        plan.ranges().forEach((key, range) -> values.put(key, random.from(range)));
        return values;
    }

    /// Draws candidates from the density of good values, and takes the one that is likeliest there
    /// compared with the density of the others.
    private Map<String, Double> tpe(int number, List<SweepTrial> told) {
        Comparator<SweepTrial> order =
                Comparator.comparingDouble(t -> sign() * t.score().getAsDouble());
        // what was given up comes behind what was finished
        List<SweepTrial> sorted =
                told.stream()
                        .sorted(
                                Comparator.comparing(
                                                (SweepTrial t) ->
                                                        t.state() == SweepTrial.State.PRUNED)
                                        .thenComparing(order))
                        .toList();
        int good = Math.min((int) Math.ceil(0.1 * sorted.size()), MOST_GOOD);
        List<Map<String, Double>> all = sorted.stream().map(SweepTrial::values).toList();
        var near = new ParzenEstimator(plan.ranges(), all.subList(0, good));
        var far = new ParzenEstimator(plan.ranges(), all.subList(good, all.size()));
        return best(near, far, draws(number));
    }

    private static Map<String, Double> best(
            ParzenEstimator near, ParzenEstimator far, SweepDraws random) {
        Map<String, Double> best = near.sample(random);
        double most = near.logDensity(best) - far.logDensity(best);
        for (int i = 1; i < CANDIDATES; i++) {
            Map<String, Double> values = near.sample(random);
            double gain = near.logDensity(values) - far.logDensity(values);
            if (gain > most) {
                most = gain;
                best = values;
            }
        }
        return best;
    }

    private double sign() {
        return smaller ? 1 : -1;
    }

    /// The best finished trial first.
    public List<SweepTrial> ranked(List<SweepTrial> trials) {
        return trials.stream()
                .filter(t -> t.state() == SweepTrial.State.COMPLETE)
                .sorted(Comparator.comparingDouble(t -> sign() * t.result().orElse(Double.NaN)))
                .toList();
    }
}
