package org.attune.trainers.ppo;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/// Loss and metrics of an update, summed up completion by completion. Metrics are means over the
/// optimizer steps that were done of means over their tokens; with TRL's layout over all its slots,
/// and ratio, divergence and entropy over padding too.
final class UpdateTotals {
    private final PpoObjective objective;
    private final double valueWeight;
    private final boolean trlLayout;
    private final Slot[] slots;

    private static final class Slot {
        boolean used;
        double tokens;
        double states;
        double padding;
        double paddingEntropy;
        double loss;
        double entropy;
        double kl;
        double squares;
        double drift;
        double ratio;
        double clipped;
        double dualClipped;
        double valueLoss;
        double valueClipped;
        double values;
    }

    /// @param valueWeight `vf_coef`
    /// @param trlLayout see [UpdatePlan]
    /// @param slots as [UpdatePlan#slots] says
    public UpdateTotals(PpoObjective objective, double valueWeight, boolean trlLayout, int slots) {
        this.objective = objective;
        this.valueWeight = valueWeight;
        this.trlLayout = trlLayout;
        this.slots = new Slot[slots];
        Arrays.setAll(this.slots, _ -> new Slot());
    }

    /// Totals of the same kind to which nothing was added.
    UpdateTotals blank() {
        return new UpdateTotals(objective, valueWeight, trlLayout, slots.length);
    }

    /// Adds what the policy says of a completion.
    ///
    /// @param padding places behind it up to the full length
    /// @param paddingEntropy sum of the entropies there; only of use in TRL's layout
    public void add(int slot, PpoObjective.Result r, double padding, double paddingEntropy) {
        Slot s = slots[slot];
        s.used = true;
        s.tokens += r.tokens();
        s.padding += padding;
        s.paddingEntropy += paddingEntropy;
        s.loss += r.loss() - objective.entropyCoef() * r.entropy();
        s.entropy += r.entropy();
        s.kl += r.kl();
        s.squares += r.squares();
        s.drift += r.drift();
        s.ratio += r.ratio();
        s.clipped += r.clipped();
        s.dualClipped += r.dualClipped();
    }

    /// Adds what the critic says of a completion.
    public void add(int slot, ValueObjective.Result r) {
        Slot s = slots[slot];
        s.states += r.tokens();
        s.valueLoss += r.loss();
        s.valueClipped += r.clipped();
        s.values += r.values();
    }

    /// Takes a step back that wasn't done.
    public void drop(int slot) {
        slots[slot] = new Slot();
    }

    /// Mean `k2` divergence of some slots' tokens from the policy that generated them.
    public double divergence(int... of) {
        double squares = 0;
        double tokens = 0;
        for (int slot : of) {
            squares += slots[slot].squares;
            tokens += slots[slot].tokens;
        }
        return squares / Math.max(1, tokens);
    }

    /// Mean loss of the optimizer steps, the critic's part included.
    public double loss() {
        return mean(s -> s.loss / tokens(s)) + valueWeight * mean(s -> s.valueLoss / states(s));
    }

    /// TRL's metrics of an update, and verl's where TRL has none.
    public Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("policy/approxkl_avg", mean(s -> s.squares / places(s)));
        metrics.put("policy/clipfrac_avg", mean(s -> s.clipped / tokens(s)));
        metrics.put("loss/policy_avg", mean(s -> s.loss / tokens(s)));
        metrics.put("loss/value_avg", mean(s -> s.valueLoss / states(s)));
        metrics.put("val/clipfrac_avg", mean(s -> s.valueClipped / states(s)));
        metrics.put("policy/entropy_avg", mean(s -> (s.entropy + s.paddingEntropy) / places(s)));
        double ratio = mean(this::ratio);
        metrics.put("val/ratio", ratio);
        double count = Arrays.stream(slots).filter(this::counts).count();
        if (count > 1) {
            double squares = mean(s -> (ratio(s) - ratio) * (ratio(s) - ratio));
            metrics.put("val/ratio_var", squares * count / (count - 1));
        }
        metrics.put("actor/ppo_kl", mean(s -> s.drift / tokens(s)));
        if (objective.dualClip() < Double.POSITIVE_INFINITY) {
            metrics.put("actor/pg_clipfrac_lower", mean(s -> s.dualClipped / tokens(s)));
        }
        if (objective.klCoef() > 0) {
            metrics.put("actor/kl_loss", mean(s -> s.kl / tokens(s)));
        }
        metrics.put("critic/vpred_mean", mean(s -> s.values / states(s)));
        return metrics;
    }

    /// Padding has log-probabilities that stay the same, so its ratio is 1.
    private double ratio(Slot s) {
        return s.used ? (s.ratio + (trlLayout ? s.padding : 0)) / places(s) : 0;
    }

    private boolean counts(Slot s) {
        return trlLayout || s.used;
    }

    private double places(Slot s) {
        return tokens(s) + (trlLayout ? s.padding : 0);
    }

    private static double tokens(Slot s) {
        return Math.max(1, s.tokens);
    }

    private static double states(Slot s) {
        return Math.max(1, s.states);
    }

    private double mean(ToDoubleFunction<Slot> of) {
        return Arrays.stream(slots).filter(this::counts).mapToDouble(of).average().orElse(0);
    }
}
