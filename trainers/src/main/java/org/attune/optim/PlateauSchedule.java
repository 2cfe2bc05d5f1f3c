package org.attune.optim;

/// Lowers the learning rate when a metric stops improving, as PyTorch's `ReduceLROnPlateau`, which
/// transformers' `reduce_lr_on_plateau` is. There is no warm-up.
final class PlateauSchedule implements MeasuredSchedule {
    private final Settings settings;
    private double rate;
    private double best;
    private double bad; // evaluations in a row without a better one
    private double cooling; // evaluations that still don't count

    /// @param comparison what is better
    /// @param factor of a reduction, [0, 1)
    /// @param patience evaluations without a better one that are borne
    /// @param cooldown evaluations after a reduction that don't count
    /// @param least the rate doesn't fall below this
    /// @param smallest change of the rate that is made
    public record Settings(
            Comparison comparison,
            double factor,
            int patience,
            int cooldown,
            double least,
            double smallest) {
        public Settings {
            Ranges.require(factor >= 0 && factor < 1, "factor must be in [0, 1)", factor);
        }
    }

    /// @param rate at the start
    public PlateauSchedule(Settings settings, double rate) {
        this.settings = settings;
        this.rate = rate;
        best = settings.comparison().worst();
    }

    @Override
    public double rate() {
        return rate;
    }

    @Override
    public void measured(double metric) {
        if (settings.comparison().isBetter(metric, best)) {
            best = metric;
            bad = 0;
        } else {
            bad++;
        }
        if (cooling > 0) {
            cooling--;
            bad = 0;
        }
        if (bad > settings.patience()) {
            double reduced = Math.max(rate * settings.factor(), settings.least());
            rate = rate - reduced > settings.smallest() ? reduced : rate;
            cooling = settings.cooldown();
            bad = 0;
        }
    }

    @Override
    public double[] state() {
        return new double[] {rate, best, bad, cooling};
    }

    @Override
    public void restore(double[] state) {
        rate = state[0];
        best = state[1];
        bad = state[2];
        cooling = state[3];
    }
}
