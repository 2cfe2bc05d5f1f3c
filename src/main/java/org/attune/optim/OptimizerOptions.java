package org.attune.optim;

import org.attune.error.ConfigException;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/// The optimizer options of a run, as transformers spells them.
///
/// @param name `adamw_torch`, `sgd`, … in lower case
/// @param args `optim_args`: further settings, `name=value` with commas between
/// @param beta1 `adam_beta1`
/// @param beta2 `adam_beta2`
/// @param epsilon `adam_epsilon`
/// @param warmupSteps of the run; only schedule-free optimizers ask for them
public record OptimizerOptions(
        String name, String args, double beta1, double beta2, double epsilon, int warmupSteps) {
    private static final double SCHEDULE_FREE_MOMENTUM = 0.9;

    /// Formula and settings.
    ///
    /// @throws ConfigException if the name or one of the settings is unknown, or out of its range;
    ///     its message says what is accepted
    public OptimizerKind kind() {
        var settings = new OptimArgs(name, args);
        try {
            OptimizerKind kind = kind(settings);
            settings.requireAllAsked();
            return kind;
        } catch (IllegalArgumentException e) {
            throw new ConfigException("for %s: %s".formatted(name, e.getMessage()), e);
        }
    }

    private OptimizerKind kind(OptimArgs a) {
        return switch (name) {
            case "adamw_torch", "adamw_torch_fused", "adamw_hf", "paged_adamw_32bit" -> adamW(a);
            case "adamw_8bit", "adamw_bnb_8bit", "adamw_torch_8bit", "paged_adamw_8bit" ->
                    new EightBit(adamW(a));
            case "adam" -> new Adam(adamW(a));
            case "sgd" -> sgd(a);
            case "rmsprop", "rmsprop_bnb", "rmsprop_bnb_32bit" -> rmsProp(a);
            case "rmsprop_bnb_8bit" -> new EightBit(rmsProp(a));
            case "adagrad" -> adagrad(a);
            case "adafactor" -> adafactor(a);
            case "adafactor_torch" -> torchAdafactor(a);
            case "lion_32bit", "paged_lion_32bit" -> new Lion(beta1, beta2);
            case "lion_8bit", "paged_lion_8bit" -> new EightBit(new Lion(beta1, beta2));
            case "ademamix", "paged_ademamix_32bit" -> adEmaMix(a);
            case "ademamix_8bit", "paged_ademamix_8bit" -> new EightBit(adEmaMix(a));
            case "muon" -> muon(a);
            case "schedule_free_adamw" ->
                    new ScheduleFreeAdamW(averaging(beta1, a), beta2, epsilon);
            case "schedule_free_sgd" ->
                    new ScheduleFreeSgd(averaging(a.number("momentum", SCHEDULE_FREE_MOMENTUM), a));
            default -> throw new ConfigException("an optimizer that is known, not " + name);
        };
    }

    private AdamW adamW(OptimArgs a) {
        return new AdamW(beta1, beta2, epsilon, a.truth("amsgrad", false));
    }

    private static Sgd sgd(OptimArgs a) {
        return new Sgd(
                a.number("momentum", 0), a.number("dampening", 0), a.truth("nesterov", false));
    }

    private static RmsProp rmsProp(OptimArgs a) {
        return new RmsProp(
                a.number("alpha", 0.99),
                a.number("eps", 1e-8),
                a.number("momentum", 0),
                a.truth("centered", false));
    }

    private static Adagrad adagrad(OptimArgs a) {
        return new Adagrad(
                a.number("lr_decay", 0),
                a.number("eps", 1e-10),
                a.number("initial_accumulator_value", 0));
    }

    private static Adafactor adafactor(OptimArgs a) {
        Adafactor usual = Adafactor.defaults();
        return new Adafactor(
                a.number("eps1", usual.epsilon1()),
                a.number("eps2", usual.epsilon2()),
                a.number("clip_threshold", usual.clipThreshold()),
                a.number("decay_rate", usual.decayRate()),
                a.has("beta1") ? OptionalDouble.of(a.number("beta1", 0)) : OptionalDouble.empty(),
                new Adafactor.Rates(
                        a.truth("scale_parameter", false),
                        a.truth("relative_step", false),
                        a.truth("warmup_init", false)));
    }

    private static TorchAdafactor torchAdafactor(OptimArgs a) {
        TorchAdafactor usual = TorchAdafactor.defaults();
        return new TorchAdafactor(
                a.number("beta2_decay", usual.beta2Decay()),
                a.number("eps1", usual.epsilon1()),
                a.number("eps2", usual.epsilon2()),
                a.number("d", usual.largest()));
    }

    private AdEmaMix adEmaMix(OptimArgs a) {
        AdEmaMix.Slow usual = AdEmaMix.Slow.defaults();
        return new AdEmaMix(
                a.number("beta1", beta1),
                a.number("beta2", beta2),
                a.number("eps", epsilon),
                new AdEmaMix.Slow(
                        a.number("beta3", usual.beta3()),
                        a.number("alpha", usual.alpha()),
                        steps("t_alpha", a),
                        steps("t_beta3", a)));
    }

    private static OptionalInt steps(String name, OptimArgs a) {
        if (!a.has(name)) {
            return OptionalInt.empty();
        }
        int steps = a.integer(name, 1);
        Ranges.require(steps >= 1, name + " must be >= 1", steps);
        return OptionalInt.of(steps);
    }

    private Muon muon(OptimArgs a) {
        Muon usual = Muon.defaults();
        return new Muon(
                a.number("momentum", usual.momentum()),
                a.truth("nesterov", usual.nesterov()),
                a.integer("ns_steps", usual.steps()),
                a.choice("adjust_lr_fn", Muon.Adjustment.class, usual.adjustment()),
                new AdamW(beta1, beta2, epsilon, false));
    }

    private Averaging averaging(double beta, OptimArgs a) {
        return new Averaging(beta, warmupSteps, a.number("r", 0), a.number("weight_lr_power", 2));
    }
}
