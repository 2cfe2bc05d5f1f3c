package org.attune.optim;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/// Raises the learning rate while a metric improves and lowers it while it doesn't, as
/// transformers' `GreedyLR` ([Subramanian et al. 2025](https://arxiv.org/abs/2512.14527)).
final class GreedySchedule implements MeasuredSchedule {
    private static final int COUNTERS = 7;

    private final Settings settings;
    private final double start;
    private final Deque<Double> window = new ArrayDeque<>(); // of the latest metrics
    private double rate;
    private double best;
    private double bad; // evaluations in a row without a better one
    private double good; // with one
    private double cooling; // evaluations after a fall that still don't count
    private double warming; // after a rise
    private double untilReset; // falls at the least rate until all begins anew

    /// @param comparison what is better
    /// @param factor the rate is multiplied by it to fall and divided by it to rise, (0, 1)
    /// @param patience evaluations of one kind in a row that are borne
    /// @param cooldown evaluations after a fall that don't count
    /// @param warmup evaluations after a rise that don't count
    /// @param limits of the rate
    /// @param windowSize metrics whose mean is compared; 1: the latest one
    /// @param resetStart falls at the least rate after which all begins anew
    public record Settings(
            Comparison comparison,
            double factor,
            int patience,
            int cooldown,
            int warmup,
            Limits limits,
            int windowSize,
            int resetStart) {
        public Settings {
            Ranges.require(factor > 0 && factor < 1, "factor must be in (0, 1)", factor);
            Ranges.require(windowSize >= 1, "window_size must be >= 1", windowSize);
        }
    }

    /// @param least rate
    /// @param largest rate
    /// @param smallest change that is made
    public record Limits(double least, double largest, double smallest) {}

    /// @param rate at the start
    public GreedySchedule(Settings settings, double rate) {
        this.settings = settings;
        start = rate;
        begin();
    }

    private void begin() {
        rate = start;
        best = settings.comparison().worst();
        bad = 0;
        good = 0;
        cooling = 0;
        warming = 0;
        untilReset = settings.resetStart();
        window.clear();
    }

    @Override
    public double rate() {
        return rate;
    }

    @Override
    public void measured(double metric) {
        double value = smoothed(metric);
        if (cooling > 0 || warming > 0) {
            if (cooling > 0) {
                cooling--;
            } else {
                warming--;
            }
            bad = 0;
            good = 0;
            return;
        }
        if (settings.comparison().isBetter(value, best)) {
            best = value;
            bad = 0;
            good++;
        } else {
            bad++;
            good = 0;
        }
        if (good > settings.patience()) {
            rise();
        } else if (bad > settings.patience()) {
            fall();
        }
    }

    private double smoothed(double metric) {
        window.addLast(metric);
        if (window.size() > settings.windowSize()) {
            window.removeFirst();
        }
        double sum = 0;
        for (double value : window) {
            sum += value;
        }
        return sum / window.size();
    }

    private void rise() {
        Limits limits = settings.limits();
        double raised = Math.min(rate / settings.factor(), limits.largest());
        rate = raised - rate > limits.smallest() ? raised : rate;
        untilReset = settings.resetStart();
        warming = settings.warmup();
        good = 0;
    }

    private void fall() {
        Limits limits = settings.limits();
        double lowered = Math.max(rate * settings.factor(), limits.least());
        rate = rate - lowered > limits.smallest() ? lowered : rate;
        boolean anew = rate <= limits.least() && --untilReset <= 0;
        if (anew) {
            begin();
        }
        cooling = settings.cooldown();
        bad = 0;
    }

    @Override
    public double[] state() {
        double[] state = new double[COUNTERS + window.size()];
        double[] counters = {rate, best, bad, good, cooling, warming, untilReset};
        System.arraycopy(counters, 0, state, 0, COUNTERS);
        int i = COUNTERS;
        for (double value : window) {
            state[i++] = value;
        }
        return state;
    }

    @Override
    public void restore(double[] state) {
        rate = state[0];
        best = state[1];
        bad = state[2];
        good = state[3];
        cooling = state[4];
        warming = state[5];
        untilReset = state[6];
        window.clear();
        Arrays.stream(state).skip(COUNTERS).forEach(window::addLast);
    }
}
