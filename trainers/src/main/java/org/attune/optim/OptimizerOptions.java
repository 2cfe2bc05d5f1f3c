package org.attune.optim;

import org.attune.error.ConfigException;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/// The optimizer options of a run, as transformers spells them.
///
/// @param type which optimizer
/// @param args `optim_args`: further settings, `name=value` with commas between
/// @param beta1 `adam_beta1`
/// @param beta2 `adam_beta2`
/// @param epsilon `adam_epsilon`
/// @param warmupSteps of the run; only schedule-free optimizers ask for them
public record OptimizerOptions(
        OptimizerType type,
        String args,
        double beta1,
        double beta2,
        double epsilon,
        int warmupSteps) {
    private static final double SCHEDULE_FREE_MOMENTUM = 0.9;

    /// Formula and settings.
    ///
    /// @throws ConfigException if one of the settings is unknown, or out of its range; its message
    ///     says what is accepted
    public OptimizerKind kind() {
        var settings = new OptimArgs(type.wireName(), args);
        try {
            OptimizerKind kind = type.kind(this, settings);
            settings.requireAllAsked();
            return kind;
        } catch (IllegalArgumentException e) {
            throw new ConfigException("for %s: %s".formatted(type.wireName(), e.getMessage()), e);
        }
    }

    AdamW adamW(OptimArgs a) {
        return new AdamW(beta1, beta2, epsilon, a.truth("amsgrad", false));
    }

    Sgd sgd(OptimArgs a) {
        return new Sgd(
                a.number("momentum", 0), a.number("dampening", 0), a.truth("nesterov", false));
    }

    RmsProp rmsProp(OptimArgs a) {
        return new RmsProp(
                a.number("alpha", 0.99),
                a.number("eps", 1e-8),
                a.number("momentum", 0),
                a.truth("centered", false));
    }

    Adagrad adagrad(OptimArgs a) {
        return new Adagrad(
                a.number("lr_decay", 0),
                a.number("eps", 1e-10),
                a.number("initial_accumulator_value", 0));
    }

    Adafactor adafactor(OptimArgs a) {
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

    TorchAdafactor torchAdafactor(OptimArgs a) {
        TorchAdafactor usual = TorchAdafactor.defaults();
        return new TorchAdafactor(
                a.number("beta2_decay", usual.beta2Decay()),
                a.number("eps1", usual.epsilon1()),
                a.number("eps2", usual.epsilon2()),
                a.number("d", usual.largest()));
    }

    AdEmaMix adEmaMix(OptimArgs a) {
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

    Muon muon(OptimArgs a) {
        Muon usual = Muon.defaults();
        return new Muon(
                a.number("momentum", usual.momentum()),
                a.truth("nesterov", usual.nesterov()),
                a.integer("ns_steps", usual.steps()),
                a.choice("adjust_lr_fn", Muon.Adjustment.class, usual.adjustment()),
                new AdamW(beta1, beta2, epsilon, false));
    }

    Lion lion() {
        return new Lion(beta1, beta2);
    }

    ScheduleFreeAdamW scheduleFreeAdamW(OptimArgs a) {
        return new ScheduleFreeAdamW(averaging(beta1, a), beta2, epsilon);
    }

    ScheduleFreeSgd scheduleFreeSgd(OptimArgs a) {
        return new ScheduleFreeSgd(averaging(a.number("momentum", SCHEDULE_FREE_MOMENTUM), a));
    }

    private Averaging averaging(double beta, OptimArgs a) {
        return new Averaging(beta, warmupSteps, a.number("r", 0), a.number("weight_lr_power", 2));
    }
}
